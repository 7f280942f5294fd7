import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createOptions } from '../../../src/podman/create-options.ts';
import { placeNeighbours } from '../../../src/sandbox/neighbours.ts';
import type { JobSpec } from '../../../src/sandbox/specification.ts';
import { specifyJob } from '../../../src/sandbox/specify.ts';
import { hostOffer, job, jobToken, owner, settings, settingsOf } from '../samples.ts';

const imageId = `sha256:${'ab'.repeat(32)}`;
const spec = specifyJob(job, settings, hostOffer, owner);
const withRunner = specifyJob(job, settings, { ...hostOffer, gitlabRunner: '/usr/bin/gitlab-runner' }, owner);
const sandboxes = [spec.helper, spec.build, spec.courier];
/** As Podman makes networks, each with a range of its own. */
const made = (of: Pick<JobSpec, 'networks'>) =>
  of.networks.map(({ name }, index) => ({ name, subnet: `10.89.${index}.0/24`, gateway: `10.89.${index}.1` }));
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
      NetworkMode: name('network-build'),
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
      const more = ['User', 'HostConfig'];
      assert.deepEqual(
        Object.keys(options).filter((key) => ![...known, ...more].includes(key)),
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
  const policy = settingsOf({ network: { helper: 'egress', build: 'egress', services: 'job', allow: [] } });
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
    assert.equal(NetworkMode, name('network-internal'));
    assert.deepEqual(LogConfig, { Type: 'k8s-file', Config: { 'max-size': '1mb' } });
    assert.deepEqual([Hostname, Env, User], ['service-2', ['A=b'], 'redis']);
    assert.equal(Labels?.['io.bulkhead.role'], 'service-2');
  });

  test('begins at the gate, under the ulimits of the policy', () => {
    assert.deepEqual(Entrypoint, ['/bulkhead/init', '--']);
    assert.deepEqual(Cmd, ['/bulkhead/probe', 'gate', '/bulkhead/gate', '4=0:0', '--', ...service.command]);
  });

  const specifyWith = (network: Record<string, string>) =>
    specifyJob(job, settingsOf({ network: { ...network, allow: [] } }), hostOffer, owner, undefined, [service]);
  const pins = [{ name: 'registry.example.com', addresses: ['192.0.2.7', '192.0.2.8'] }];
  const hosts = ['registry.example.com:192.0.2.7', 'registry.example.com:192.0.2.8'];

  test('asks for no alias: what Podman knows by name, its DNS server tells', () => {
    assert.doesNotMatch(JSON.stringify([NetworkingConfig, HostConfig]), /alias/i);
  });

  test('has its address on the internal network only; all find it there by their hosts files', () => {
    const reaching = specifyWith({ helper: 'job', build: 'listed', services: 'egress' });
    const networks = made(reaching);
    assert.deepEqual(
      networks.map((one) => one.name),
      ['network-build', 'network-services', 'network-internal'].map(name),
    );
    const neighbours = placeNeighbours(reaching, networks, pins);
    const [first = build] = reaching.services;
    const asked = [reaching.helper, reaching.build, first].map((one) => createOptions(one, imageId, neighbours));
    const at = (address: string) => ({ [name('network-internal')]: { IPAMConfig: { IPv4Address: address } } });
    assert.deepEqual(
      asked.map((options) => options.NetworkingConfig?.EndpointsConfig),
      [
        at('10.89.2.2'),
        { [name('network-build')]: {}, ...at('10.89.2.3') },
        { [name('network-services')]: {}, ...at('10.89.2.4') },
      ],
    );
    for (const options of asked) {
      assert.deepEqual(options.HostConfig?.ExtraHosts, [...hosts, 'redis:10.89.2.4', 'cache:10.89.2.4']);
    }
    assert.equal(asked[2]?.HostConfig?.NetworkMode, name('network-services'), 'the way out comes first');
  });

  test('is found by nobody without a network, and finds nobody', () => {
    const alone = specifyWith({ helper: 'job', build: 'job', services: 'none' });
    const neighbours = placeNeighbours(alone, made(alone), pins);
    const [unreachable = build] = alone.services;
    const options = createOptions(unreachable, imageId, neighbours);
    assert.deepEqual([options.HostConfig?.NetworkMode, options.NetworkingConfig], ['none', undefined]);
    assert.ok(!('ExtraHosts' in (options.HostConfig ?? {})), 'Podman takes none without a network');
    assert.deepEqual(createOptions(alone.build, imageId, neighbours).HostConfig?.ExtraHosts, hosts);
    const courier = createOptions(alone.courier, imageId, neighbours);
    assert.ok(!('ExtraHosts' in (courier.HostConfig ?? {})));
  });
});

test('the helper and the courier are root of their sandbox, the build is whoever its image says', () => {
  assert.equal(createOptions(spec.helper, imageId).User, '0:0');
  assert.equal(createOptions(spec.courier, imageId).User, '0:0');
  assert.ok(!('User' in createOptions(spec.build, imageId)));
});

test('the courier has no network; the others have no other than that of the job', () => {
  assert.equal(createOptions(spec.courier, imageId).HostConfig?.NetworkMode, 'none');
  assert.equal(createOptions(spec.helper, imageId).HostConfig?.NetworkMode, name('network-helper'));
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
  const network = { helper: 'egress', build: 'job', services: 'job', allow: [] };
  const strict = specifyJob(job, settingsOf({ ...changes, network }), { ...hostOffer, slice: 'a-b.slice' }, owner);
  for (const sandbox of [strict.helper, strict.build]) {
    const { User, Env, HostConfig } = createOptions(sandbox, imageId);
    assert.equal(User, '1000:1000');
    assert.deepEqual(Env, ['HOME=/tmp']);
    assert.equal(HostConfig?.ReadonlyRootfs, true);
    assert.equal(HostConfig?.CgroupParent, 'a-b.slice');
  }
  assert.equal(createOptions(strict.build, imageId).HostConfig?.NetworkMode, name('network-internal'));
  const { HostConfig, NetworkingConfig } = createOptions(strict.helper, imageId);
  assert.equal(HostConfig?.NetworkMode, name('network-helper'));
  assert.deepEqual(NetworkingConfig?.EndpointsConfig, { [name('network-helper')]: {}, [name('network-internal')]: {} });
});
