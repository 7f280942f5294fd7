import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JobVariable } from '../../../src/runner/job-services.ts';
import { serviceEnvironment } from '../../../src/services/environment.ts';

const variable = (key: string, value: string, more: Partial<JobVariable> = {}): JobVariable => ({
  key,
  value,
  public: false,
  file: false,
  raw: false,
  ...more,
});
const shown = (key: string, value: string, more: Partial<JobVariable> = {}) =>
  variable(key, value, { public: true, ...more });
/** As GitLab Runner hands them out: file variables by their content, the last of two of one name. */
const handedOut = (variables: Record<string, string>) =>
  Object.fromEntries(Object.entries(variables).map(([key, value]) => [`CUSTOM_ENV_${key}`, value]));
const folder = { RUNNER_TEMP_PROJECT_DIR: '/builds/g/p.tmp' };

suite("a service's environment", () => {
  test('is what is public of the job, as GitLab Runner expanded it', () => {
    const job = [shown('GREETING', 'hello $NAME'), shown('NAME', 'you'), variable('TOKEN', 'secret')];
    const env = handedOut({ GREETING: 'hello you', NAME: 'you', TOKEN: 'secret' });
    assert.deepEqual(serviceEnvironment(job, [], env), ['GREETING=hello you', 'NAME=you']);
  });

  test("has GitLab Runner's own variables, and nothing of the driver's process", () => {
    const env = {
      ...handedOut({ CI_SERVER: 'yes', ...folder }),
      PATH: '/bin',
      BULKHEAD_CONFIG: '/etc/x',
      CUSTOM_ENV_: 'x',
    };
    assert.deepEqual(serviceEnvironment([], [], env), ['CI_SERVER=yes', 'RUNNER_TEMP_PROJECT_DIR=/builds/g/p.tmp']);
  });

  test('has no secret one: not of the job, not from a vault, not all services’ in one, no login', () => {
    const job = [variable('TOKEN', 'secret'), shown('VAULTED', 'public twin'), variable('VAULTED', '', { raw: true })];
    const env = handedOut({
      TOKEN: 'secret',
      VAULTED: 'secret',
      CI_JOB_SERVICES: '[{"variables":{"A":"secret"}}]',
      DOCKER_AUTH_CONFIG: 'secret',
    });
    assert.deepEqual(serviceEnvironment(job, [], env), ['VAULTED=public twin']);
    assert.deepEqual(serviceEnvironment([], [variable('DOCKER_AUTH_CONFIG', 'x')], {}), []);
  });

  test('has of a public and a secret variable of one name the public one, whatever comes last', () => {
    const env = handedOut({ A: 'secret', B: 'b' });
    assert.deepEqual(serviceEnvironment([shown('A', 'of $B'), variable('A', 'secret')], [], env), ['B=b', 'A=of b']);
    assert.deepEqual(serviceEnvironment([variable('A', 'secret'), shown('A', 'open')], [], handedOut({ A: 'open' })), [
      'A=open',
    ]);
  });

  test('has its own variables last, which may name any of the job or of each other', () => {
    const job = [variable('TOKEN', 'secret'), shown('SHOWN', 'job')];
    const own = [
      variable('PASSWORD', '$TOKEN-${NEXT}'),
      variable('NEXT', '$TOKEN'),
      variable('SHOWN', 'service'),
      variable('PLAIN', '$TOKEN', { raw: true }),
    ];
    assert.deepEqual(serviceEnvironment(job, own, handedOut({ TOKEN: 'secret', SHOWN: 'job' })), [
      'SHOWN=service',
      'PASSWORD=secret-$TOKEN',
      'NEXT=secret',
      'PLAIN=$TOKEN',
    ]);
  });

  test('has the path of a file variable, where the service sees it, too', () => {
    const job = [shown('CERT', 'content', { file: true }), variable('KEY', 'content', { file: true })];
    const env = handedOut({ CERT: 'content', KEY: 'content', CI_SERVER_TLS_CA_FILE: 'content', ...folder });
    assert.deepEqual(serviceEnvironment(job, [variable('USES', '$KEY')], env), [
      'CI_SERVER_TLS_CA_FILE=/builds/g/p.tmp/CI_SERVER_TLS_CA_FILE',
      'RUNNER_TEMP_PROJECT_DIR=/builds/g/p.tmp',
      'CERT=/builds/g/p.tmp/CERT',
      'USES=/builds/g/p.tmp/KEY',
    ]);
  });

  test('has no name that is none', () => {
    assert.deepEqual(serviceEnvironment([], [variable('', 'x'), variable('A=B', 'x'), variable('A\0', 'x')], {}), []);
  });
});
