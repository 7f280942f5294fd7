import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseJob } from '../../../src/runner/job.ts';
import { builtInPolicy, specifyJob } from '../../../src/sandbox/specification.ts';
import { configuration, job, jobResponse, jobToken, owner } from '../samples.ts';

const spec = specifyJob(job, configuration, owner);
const withRunner = specifyJob(job, { ...configuration, gitlabRunner: '/usr/bin/gitlab-runner' }, owner);
const sandboxes = [spec.courier, spec.helper, spec.build];
const [builds, scripts] = spec.volumes;

suite('a job', () => {
  test('is the same in every attempt', () => assert.deepEqual(specifyJob(job, configuration, owner), spec));

  test('has three sandboxes, two volumes and a network, each with a name and labels of its own', () => {
    const objects = [spec.network, ...spec.volumes, ...sandboxes];
    assert.deepEqual(
      objects.map(({ labels }) => labels['io.bulkhead.role']),
      ['network', 'builds', 'scripts', 'courier', 'helper', 'build'],
    );
    assert.equal(new Set(objects.map(({ name }) => name)).size, objects.length);
    for (const { labels } of objects) assert.equal(labels['io.bulkhead.job'], job.key);
    for (const { role, labels } of sandboxes) assert.equal(labels['io.bulkhead.role'], role);
  });

  test('changes nothing by what its author writes', () => {
    const author = parseJob(
      jobResponse({
        image: { name: 'evil', executor_opts: { docker: { user: 'root', platform: 'linux/s390x' } } },
        services: [{ name: 'docker:dind' }],
        variables: [{ key: 'BULKHEAD_CAPABILITIES', value: 'SYS_ADMIN' }],
        job_info: { project_id: 42, name: '--privileged', stage: '../..' },
      }),
    );
    assert.deepEqual(specifyJob(author, configuration, owner), spec);
  });

  test('holds no secret of the job', () => assert.ok(!JSON.stringify(withRunner).includes(jobToken)));
});

suite('the sandboxes', () => {
  test('keep the capabilities that package managers need, and no other', () => {
    assert.deepEqual(spec.build.capabilities, [
      'CHOWN',
      'DAC_OVERRIDE',
      'FOWNER',
      'FSETID',
      'KILL',
      'SETGID',
      'SETUID',
    ]);
    assert.deepEqual(spec.helper.capabilities, ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL']);
    assert.deepEqual(spec.courier.capabilities, []);
  });

  test("share the job's own network, except the courier, which has none", () => {
    assert.equal(spec.helper.network, spec.network.name);
    assert.equal(spec.build.network, spec.network.name);
    assert.equal(spec.courier.network, undefined);
  });

  test('have the seccomp profile of the configuration', () => {
    for (const { seccompProfile } of sandboxes) assert.equal(seccompProfile, configuration.seccompProfile);
  });

  test('can write to builds and to /tmp, and only the courier to scripts', () => {
    const mount = (source: string | undefined, target: string, readOnly: boolean) => ({
      kind: 'volume',
      source,
      target,
      readOnly,
    });
    const inside = [mount(builds?.name, '/builds', false), mount(scripts?.name, '/bulkhead', true)];
    assert.deepEqual(spec.helper.mounts, inside);
    assert.deepEqual(spec.build.mounts, inside);
    assert.deepEqual(spec.courier.mounts, [
      mount(builds?.name, '/builds', false),
      mount(scripts?.name, '/bulkhead', false),
    ]);
    for (const { tmpfs } of [spec.helper, spec.build]) {
      assert.deepEqual(Object.keys(tmpfs), ['/tmp']);
      assert.match(tmpfs['/tmp'] ?? '', /\bnosuid\b.*\bnodev\b/);
    }
    assert.deepEqual(spec.courier.tmpfs, {});
  });

  test('see a file of the host only as gitlab-runner in the helper', () => {
    const hostFiles = (sandbox: (typeof sandboxes)[number]) =>
      sandbox.mounts.filter(({ kind }) => kind === 'host-file');
    for (const sandbox of sandboxes) assert.deepEqual(hostFiles(sandbox), []);
    assert.deepEqual(hostFiles(withRunner.helper), [
      { kind: 'host-file', source: '/usr/bin/gitlab-runner', target: '/usr/local/bin/gitlab-runner' },
    ]);
    assert.deepEqual(hostFiles(withRunner.build), []);
    assert.deepEqual(hostFiles(withRunner.courier), []);
  });
});

test('the built-in policy is named by its contents', () => {
  assert.equal(builtInPolicy.name, 'built-in');
  assert.match(builtInPolicy.hash, /^[0-9a-f]{16}$/);
});
