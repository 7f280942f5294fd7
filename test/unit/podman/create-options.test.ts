import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createOptions } from '../../../src/podman/create-options.ts';
import { specifyJob } from '../../../src/sandbox/specify.ts';
import { hostOffer, job, jobToken, owner, settings, settingsOf } from '../samples.ts';

const imageId = `sha256:${'ab'.repeat(32)}`;
const spec = specifyJob(job, settings, hostOffer, owner);
const withRunner = specifyJob(job, settings, { ...hostOffer, gitlabRunner: '/usr/bin/gitlab-runner' }, owner);
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
    Healthcheck: { Test: ['NONE'] },
    StopTimeout: 0,
    HostConfig: {
      NetworkMode: name('network'),
      CapDrop: ['ALL'],
      ReadonlyRootfs: false,
      CapAdd: ['CHOWN', 'SETGID', 'SETUID'],
      SecurityOpt: ['no-new-privileges', 'seccomp=/etc/bulkhead/seccomp/baseline.json'],
      Tmpfs: { '/tmp': 'rw,exec,nosuid,nodev,mode=1777,size=2147483648' },
      Binds: [
        `${name('builds')}:/builds:rw,nosuid,nodev,nocopy`,
        `${spec.cache?.name}:/cache:rw,nosuid,nodev,nocopy`,
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
      const known = ['name', 'Image', 'Entrypoint', 'Cmd', 'Env', 'Labels', 'Hostname', 'Healthcheck', 'StopTimeout'];
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
        'ReadonlyRootfs',
        'RestartPolicy',
        'SecurityOpt',
        'Tmpfs',
      ]);
    });

    test('begins with no capability, cannot gain any, and is filtered', () => {
      assert.deepEqual(host.CapDrop, ['ALL']);
      assert.deepEqual(host.CapAdd, [...sandbox.capabilities]);
      assert.deepEqual(host.SecurityOpt, ['no-new-privileges', `seccomp=${hostOffer.seccompProfile}`]);
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

suite('a service', () => {
  const service = {
    index: 2,
    command: ['redis-server', '--port', '7'],
    aliases: ['redis', 'cache'],
    environment: ['A=b'],
    user: 'redis',
    imageUser: '',
  };
  const policy = settingsOf({ network: { helper: 'egress', build: 'egress', services: 'job' } });
  const { services, build } = specifyJob(job, policy, hostOffer, owner, undefined, [service]);
  const [sandbox = build] = services;
  const { Hostname, Labels, Cmd, Entrypoint, Env, User, NetworkingConfig, HostConfig, ...rest } = createOptions(
    sandbox,
    imageId,
  );

  test("is asked for as the build sandbox is, but for what is the service's own", () => {
    const {
      Hostname: _h,
      Labels: _l,
      Cmd: _c,
      Entrypoint: _e,
      Env: _n,
      HostConfig: host,
      ...others
    } = createOptions({ ...build, name: name('service-2') }, imageId);
    const { NetworkingConfig: _networks, ...same } = others;
    assert.deepEqual(rest, same);
    const { LogConfig: _log, NetworkMode: _mode, ...shared } = host ?? {};
    const { LogConfig, NetworkMode, ...own } = HostConfig ?? {};
    // Redis is not root, as the build sandbox is.
    assert.deepEqual(own, { ...shared, CapAdd: [] });
    assert.equal(NetworkMode, name('internal-network'));
    assert.deepEqual(LogConfig, { Type: 'k8s-file', Config: { 'max-size': '1mb' } });
    assert.deepEqual([Hostname, Env, User], ['service-2', ['A=b'], 'redis']);
    assert.equal(Labels?.['io.bulkhead.role'], 'service-2');
  });

  test('begins at the gate, under the ulimits of the policy', () => {
    assert.deepEqual(Entrypoint, ['/bulkhead/init', '--']);
    assert.deepEqual(Cmd, ['/bulkhead/probe', 'gate', '/bulkhead/gate', '4=0:0', '--', ...service.command]);
  });

  test('has its aliases on each of its networks', () => {
    assert.deepEqual(NetworkingConfig?.EndpointsConfig, { [name('internal-network')]: { Aliases: service.aliases } });
    const egress = settingsOf({ network: { helper: 'job', build: 'job', services: 'egress' } });
    const [reaching = build] = specifyJob(job, egress, hostOffer, owner, undefined, [service]).services;
    assert.deepEqual(createOptions(reaching, imageId).NetworkingConfig?.EndpointsConfig, {
      [name('network')]: { Aliases: service.aliases },
      [name('internal-network')]: { Aliases: service.aliases },
    });
    const alone = settingsOf({ network: { helper: 'job', build: 'job', services: 'none' } });
    const [unreachable = build] = specifyJob(job, alone, hostOffer, owner, undefined, [service]).services;
    const options = createOptions(unreachable, imageId);
    assert.deepEqual([options.HostConfig?.NetworkMode, options.NetworkingConfig], ['none', undefined]);
  });
});

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

test('what a policy asks for beyond the usual reaches the request', () => {
  const changes = { user: { run: '1000:1000', root: 'refused' }, rootFilesystem: 'read-only' };
  const network = { helper: 'egress', build: 'job', services: 'job' };
  const strict = specifyJob(job, settingsOf({ ...changes, network }), { ...hostOffer, slice: 'a-b.slice' }, owner);
  for (const sandbox of [strict.helper, strict.build]) {
    const { User, Env, HostConfig } = createOptions(sandbox, imageId);
    assert.equal(User, '1000:1000');
    assert.deepEqual(Env, ['HOME=/tmp']);
    assert.equal(HostConfig?.ReadonlyRootfs, true);
    assert.equal(HostConfig?.CgroupParent, 'a-b.slice');
  }
  assert.equal(createOptions(strict.build, imageId).HostConfig?.NetworkMode, name('internal-network'));
  const { HostConfig, NetworkingConfig } = createOptions(strict.helper, imageId);
  assert.equal(HostConfig?.NetworkMode, name('network'));
  assert.deepEqual(NetworkingConfig?.EndpointsConfig, { [name('network')]: {}, [name('internal-network')]: {} });
});
