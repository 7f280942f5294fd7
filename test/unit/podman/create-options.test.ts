import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createOptions } from '../../../src/podman/create-options.ts';
import { specifyJob } from '../../../src/sandbox/specification.ts';
import { configuration, job, jobToken, owner } from '../samples.ts';

const imageId = `sha256:${'ab'.repeat(32)}`;
const spec = specifyJob(job, configuration, owner);
const withRunner = specifyJob(job, { ...configuration, gitlabRunner: '/usr/bin/gitlab-runner' }, owner);
const sandboxes = [spec.helper, spec.build, spec.courier];
const name = (role: string) => `bulkhead-${job.key}-${role}`;

test('what the build sandbox is asked for, in full', () => {
  assert.deepEqual(createOptions(spec.build, imageId), {
    name: name('build'),
    Image: imageId,
    Entrypoint: ['/bulkhead/init', '-P'],
    Cmd: [],
    Env: [],
    Labels: spec.build.labels,
    Hostname: 'job-4711',
    StopTimeout: 0,
    HostConfig: {
      NetworkMode: name('network'),
      CapDrop: ['ALL'],
      CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID'],
      SecurityOpt: ['no-new-privileges', 'seccomp=/etc/bulkhead/seccomp.json'],
      Tmpfs: { '/tmp': 'rw,exec,nosuid,nodev,mode=1777' },
      Binds: [
        `${name('builds')}:/builds:rw,nosuid,nodev,nocopy`,
        `${name('scripts')}:/bulkhead:ro,nosuid,nodev,nocopy`,
      ],
      Mounts: [],
      Privileged: false,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'none', Config: {} },
    },
  });
});

for (const sandbox of sandboxes) {
  suite(`the ${sandbox.role} sandbox`, () => {
    const options = createOptions(sandbox, imageId);
    const host = options.HostConfig ?? {};

    test('asks for nothing that nobody has thought about', () => {
      const known = ['name', 'Image', 'Entrypoint', 'Cmd', 'Env', 'Labels', 'Hostname', 'StopTimeout'];
      assert.deepEqual(
        Object.keys(options).filter((key) => ![...known, 'User', 'HostConfig'].includes(key)),
        [],
      );
      assert.deepEqual(Object.keys(host).sort(), [
        'Binds',
        'CapAdd',
        'CapDrop',
        'LogConfig',
        'Mounts',
        'NetworkMode',
        'Privileged',
        'RestartPolicy',
        'SecurityOpt',
        'Tmpfs',
      ]);
    });

    test('begins with no capability, cannot gain any, and is filtered', () => {
      assert.deepEqual(host.CapDrop, ['ALL']);
      assert.deepEqual(host.CapAdd, [...sandbox.capabilities]);
      assert.deepEqual(host.SecurityOpt, ['no-new-privileges', `seccomp=${configuration.seccompProfile}`]);
      assert.equal(host.Privileged, false);
    });

    test('runs the image that was resolved, not what its name means now', () => assert.equal(options.Image, imageId));

    test('gives the image no say: its entrypoint and command are replaced', () => {
      assert.deepEqual(options.Entrypoint, ['/bulkhead/init', '-P']);
      assert.deepEqual(options.Cmd, []);
    });

    test('carries all labels', () => assert.deepEqual(options.Labels, sandbox.labels));

    test('has no secret in its environment', () => {
      assert.deepEqual(options.Env, []);
      assert.ok(!JSON.stringify(options).includes(jobToken));
    });

    test('mounts nothing of the host', () => {
      assert.deepEqual(host.Mounts, []);
      assert.ok(host.Binds?.every((bind) => bind.startsWith('bulkhead-')));
    });
  });
}

test('the helper and the courier are root of their sandbox, the build is whoever its image says', () => {
  assert.equal(createOptions(spec.helper, imageId).User, '0:0');
  assert.equal(createOptions(spec.courier, imageId).User, '0:0');
  assert.ok(!('User' in createOptions(spec.build, imageId)));
});

test('the courier has no network; the others have no other than that of the job', () => {
  assert.equal(createOptions(spec.courier, imageId).HostConfig?.NetworkMode, 'none');
  assert.equal(createOptions(spec.helper, imageId).HostConfig?.NetworkMode, name('network'));
});

test('only the courier can write what the others run', () => {
  const scripts = (sandbox: (typeof sandboxes)[number]) =>
    createOptions(sandbox, imageId).HostConfig?.Binds?.find((bind) => bind.includes(':/bulkhead:'));
  assert.match(scripts(spec.courier) ?? '', /:rw,/);
  assert.match(scripts(spec.helper) ?? '', /:ro,/);
  assert.match(scripts(spec.build) ?? '', /:ro,/);
});

test('a configured gitlab-runner is one file, read-only, in the helper only', () => {
  const binds = (sandbox: (typeof sandboxes)[number]) => createOptions(sandbox, imageId).HostConfig?.Mounts;
  assert.deepEqual(binds(withRunner.helper), [
    { Type: 'bind', Source: '/usr/bin/gitlab-runner', Target: '/usr/local/bin/gitlab-runner', ReadOnly: true },
  ]);
  assert.deepEqual(binds(withRunner.build), []);
  assert.deepEqual(binds(withRunner.courier), []);
});

test('the request shares nothing with the specification that a library could change', () => {
  const before = structuredClone(spec);
  const options = createOptions(spec.build, imageId);
  options.Labels = Object.assign(options.Labels ?? {}, { added: 'x' });
  options.HostConfig?.CapAdd?.push('SYS_ADMIN');
  assert.deepEqual(spec, before);
});
