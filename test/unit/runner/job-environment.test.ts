import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobEnvironment } from '../../../src/runner/job-environment.ts';

const file = (key: string, isFile = true) => ({ key, value: 'x', public: false, file: isFile, raw: false });

test("is the job's variables, and nothing of the runner's own surroundings", () => {
  const env = {
    PATH: '/usr/bin',
    JOB_RESPONSE_FILE: '/x',
    CUSTOM_ENV_PATH: '/opt',
    CUSTOM_ENV_EMPTY: '',
    CUSTOM_ENV_: 'x',
  };
  assert.deepEqual(
    [...jobEnvironment(env, [])],
    [
      ['PATH', '/opt'],
      ['EMPTY', ''],
    ],
  );
});

test('has paths, not contents, for what scripts find in files', () => {
  const env = {
    CUSTOM_ENV_RUNNER_TEMP_PROJECT_DIR: '/builds/g/p.tmp',
    CUSTOM_ENV_KEY: 'secret',
    CUSTOM_ENV_CI_SERVER_TLS_CA_FILE: '-----BEGIN',
    CUSTOM_ENV_CI_SERVER_TLS_CERT_FILE: '-----BEGIN',
    CUSTOM_ENV_CI_SERVER_TLS_KEY_FILE: '-----BEGIN',
  };
  const seen = jobEnvironment(env, [file('KEY', false), file('KEY'), file('NOT_SET')]);
  for (const name of ['KEY', 'CI_SERVER_TLS_CA_FILE', 'CI_SERVER_TLS_CERT_FILE', 'CI_SERVER_TLS_KEY_FILE']) {
    assert.equal(seen.get(name), `/builds/g/p.tmp/${name}`);
  }
  assert.equal(seen.has('NOT_SET'), false);
});

test('does not have what GitLab Runner adds for the Custom executor: the variables of all services', () => {
  assert.equal(jobEnvironment({ CUSTOM_ENV_CI_JOB_SERVICES: '[{"variables":{"P":"secret"}}]' }, []).size, 0);
});
