import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Settings } from '../../../src/policy/schema.ts';
import { parseJob } from '../../../src/runner/job.ts';
import { interfaceName } from '../../../src/sandbox/names.ts';
import { type HostOffer, specifyJob } from '../../../src/sandbox/specify.ts';
import { hostOffer, job, jobResponse, jobToken, owner, settings, settingsOf } from '../samples.ts';

const specify = (policy: Settings = settings, host: Partial<HostOffer> = {}) =>
  specifyJob(job, policy, { ...hostOffer, ...host }, owner);
const spec = specify();
const withRunner = specify(settings, { gitlabRunner: '/usr/bin/gitlab-runner' });
const sandboxes = [spec.courier, spec.helper, spec.build];
const [builds, scripts] = spec.volumes;
const volume = (source: string | undefined, target: string, readOnly: boolean) => ({
  kind: 'volume',
  source,
  target,
  readOnly,
});

suite('a job', () => {
  test('is the same in every attempt', () => assert.deepEqual(specify(), spec));

  test('has three sandboxes, two volumes and two networks, each with a name and labels of its own', () => {
    const objects = [...spec.networks, ...spec.volumes, ...sandboxes];
    assert.deepEqual(
      objects.map(({ labels }) => labels['io.bulkhead.role']),
      ['network-helper', 'network-build', 'builds', 'scripts', 'courier', 'helper', 'build'],
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
        job_info: { project_id: 42, project_full_path: 'group/project', name: '--privileged', stage: '../..' },
      }),
    );
    assert.deepEqual(specifyJob(author, settings, hostOffer, owner), spec);
  });

  test('holds no secret of the job', () => assert.ok(!JSON.stringify(withRunner).includes(jobToken)));
});

suite('capabilities', () => {
  test('are those of the policy; the helper has of them what files and processes need', () => {
    const policy = settingsOf({ capabilities: ['CHOWN', 'KILL', 'NET_RAW', 'SETUID'] });
    const { build, helper, courier } = specify(policy);
    assert.deepEqual(build.capabilities, ['CHOWN', 'KILL', 'NET_RAW', 'SETUID']);
    assert.deepEqual(helper.capabilities, ['CHOWN', 'KILL']);
    assert.deepEqual(courier.capabilities, []);
  });

  // user of the policy or the job, user of the image
  for (const [user, imageUser, isRoot] of [
    [undefined, '', true],
    [undefined, '0:0', true],
    [undefined, 'root', true],
    ['0', 'node', true],
    [undefined, 'node', false],
    [undefined, '1000:0', false],
    ['1000', '', false],
    ['1000:1000', 'root', false],
  ] as const) {
    test(`are root's: ${user ?? 'the user of the image'}, image ${imageUser || '(none)'}`, () => {
      const policy = settingsOf({ capabilities: ['CHOWN', 'SETUID'] });
      const service = { index: 0, command: ['x'], aliases: ['x'], environment: [], user, imageUser };
      const demand = { user, imageUser, entrypoint: [] };
      const { build, services } = specifyJob(job, policy, hostOffer, owner, demand, [service]);
      const expected = isRoot ? ['CHOWN', 'SETUID'] : [];
      assert.deepEqual(
        [build, ...services].map(({ capabilities }) => capabilities),
        [expected, expected],
      );
    });
  }

  test("are not the helper's, either, where it is not root", () => {
    const capabilities = ['CHOWN', 'KILL'];
    const helpers = [
      { run: 'image', root: 'refused' },
      { run: '1000:1000', root: 'refused' },
    ].map((user) => specify(settingsOf({ capabilities, user })).helper);
    assert.deepEqual(
      helpers.map((helper) => helper.capabilities),
      [[], []],
    );
  });

  test('are none where the policy has none', () => {
    const { build, helper } = specify(settingsOf({ capabilities: [] }));
    assert.deepEqual([build.capabilities, helper.capabilities], [[], []]);
  });
});

suite('the user', () => {
  const users = (user: Record<string, string>) => {
    const { build, helper, courier } = specify(settingsOf({ user }));
    return [build.user, helper.user, courier.user];
  };

  test("is the image's, and the helper's root", () => {
    assert.deepEqual(users({ run: 'image', root: 'allowed' }), [undefined, '0:0', '0:0']);
  });

  test('of the helper is nobody where root is refused', () => {
    assert.deepEqual(users({ run: 'image', root: 'refused' }), [undefined, '65534:65534', '0:0']);
  });

  test('is the one of the policy in both', () => {
    assert.deepEqual(users({ run: '1000:1000', root: 'refused' }), ['1000:1000', '1000:1000', '0:0']);
  });

  test('has a home to write to, even when it is unknown or the root is read-only', () => {
    const home = (changes: Record<string, unknown>) => specify(settingsOf(changes)).build.environment;
    assert.deepEqual(home({}), []);
    assert.deepEqual(home({ user: { run: '1000:1000', root: 'refused' } }), ['HOME=/tmp']);
    assert.deepEqual(home({ user: { run: 'image', root: 'refused' } }), ['HOME=/tmp']);
    assert.deepEqual(home({ rootFilesystem: 'read-only' }), ['HOME=/tmp']);
  });
});

suite('networks', () => {
  const service = { index: 0, command: ['x'], aliases: ['x'], environment: [], user: undefined, imageUser: '' };
  const specifyWith = (network: Record<string, string>, services: readonly (typeof service)[] = []) => {
    const policy = settingsOf({ network: { services: 'none', ...network, allow: [] } });
    return specifyJob(job, policy, hostOffer, owner, undefined, services);
  };
  const of = (network: Record<string, string>, services: readonly (typeof service)[] = []) => {
    const made = specifyWith(network, services);
    assert.deepEqual(made.courier.networks, []);
    const kind = (name: string) => made.networks.find((one) => one.name === name)?.of;
    return {
      all: made.networks.map((one) => `${one.of}: ${one.reach}`),
      helper: made.helper.networks.map(kind),
      build: made.build.networks.map(kind),
      services: made.services.map(({ networks }) => networks.map(kind)),
    };
  };

  for (const reach of ['egress', 'listed']) {
    test(`are one for each of those that go out (${reach}), so that rules can tell them apart`, () => {
      assert.deepEqual(of({ helper: reach, build: reach }), {
        all: [`helper: ${reach}`, `build: ${reach}`],
        helper: ['helper'],
        build: ['build'],
        services: [],
      });
    });

    test(`are two where only the helper goes out (${reach}); they meet on the one without a way out`, () => {
      assert.deepEqual(of({ helper: reach, build: 'job' }), {
        all: [`helper: ${reach}`, 'internal: job'],
        helper: ['helper', 'internal'],
        build: ['internal'],
        services: [],
      });
    });

    test(`of services (${reach}) are their own, whatever the build has`, () => {
      assert.deepEqual(of({ helper: 'egress', build: 'job', services: reach }, [service, { ...service, index: 1 }]), {
        all: ['helper: egress', `services: ${reach}`, 'internal: job'],
        helper: ['helper', 'internal'],
        build: ['internal'],
        services: [
          ['services', 'internal'],
          ['services', 'internal'],
        ],
      });
    });
  }

  test('are there for services where the job has any', () => {
    const network = { helper: 'egress', build: 'listed', services: 'job' };
    assert.deepEqual(of(network).all, ['helper: egress', 'build: listed']);
    assert.deepEqual(of(network, [service]), {
      all: ['helper: egress', 'build: listed', 'internal: job'],
      helper: ['helper', 'internal'],
      build: ['build', 'internal'],
      services: [['internal']],
    });
    assert.deepEqual(of({ ...network, services: 'egress' }).all, ['helper: egress', 'build: listed']);
  });

  test('are none for who has none', () => {
    assert.deepEqual(of({ helper: 'egress', build: 'none' }), {
      all: ['helper: egress'],
      helper: ['helper'],
      build: [],
      services: [],
    });
    const none = { all: [], helper: [], build: [], services: [] };
    assert.deepEqual(of({ helper: 'none', build: 'none' }), none);
    assert.deepEqual(of({ helper: 'none', build: 'none' }, [service]), { ...none, services: [[]] });
    assert.deepEqual(of({ helper: 'none', build: 'none', services: 'job' }, [service]), {
      ...none,
      all: ['internal: job'],
      services: [['internal']],
    });
  });

  test('have a name, labels and a bridge of their own, and a DNS server only where the internet is', () => {
    const { networks } = specifyWith({ helper: 'egress', build: 'listed', services: 'job' }, [service]);
    assert.deepEqual(
      networks.map(({ name, labels, hasResolver }) => [name, labels['io.bulkhead.role'], hasResolver]),
      [
        [`bulkhead-${job.key}-network-helper`, 'network-helper', true],
        [`bulkhead-${job.key}-network-build`, 'network-build', false],
        [`bulkhead-${job.key}-network-internal`, 'network-internal', false],
      ],
    );
    assert.deepEqual(
      networks.map(({ interfaceName }) => interfaceName),
      (['helper', 'build', 'internal'] as const).map((one) => interfaceName(job, one)),
    );
  });
});

suite('file systems', () => {
  test('the sandboxes can write to builds and cache, and only the courier to scripts', () => {
    const data = [volume(builds?.name, '/builds', false), volume(spec.cache?.name, '/cache', false)];
    const inside = [...data, volume(scripts?.name, '/bulkhead', true)];
    assert.deepEqual(spec.helper.mounts, inside);
    assert.deepEqual(spec.build.mounts, inside);
    assert.deepEqual(spec.courier.mounts, [...data, volume(scripts?.name, '/bulkhead', false)]);
  });

  test('a tmpfs has the size of the policy, and neither setuid programs nor devices', () => {
    const tmpfs = { '/tmp': '2GiB', '/run': '16MiB', '/var/tmp': 'none' };
    const { build, helper, courier } = specify(settingsOf({ tmpfs }));
    for (const sandbox of [build, helper]) {
      assert.deepEqual(sandbox.tmpfs, {
        '/tmp': 'rw,exec,nosuid,nodev,mode=1777,size=2147483648',
        '/run': 'rw,exec,nosuid,nodev,mode=1777,size=16777216',
      });
    }
    assert.deepEqual(courier.tmpfs, {});
  });

  test('the root is read-only where the policy says so', () => {
    const { build, helper, courier } = specify(settingsOf({ rootFilesystem: 'read-only' }));
    for (const { readOnlyRoot } of [build, helper, courier]) assert.equal(readOnlyRoot, true);
    for (const { readOnlyRoot } of sandboxes) assert.equal(readOnlyRoot, false);
  });

  test('builds are in memory where the policy says so, with the size that bounds them', () => {
    assert.deepEqual(
      spec.volumes.map(({ tmpfsBytes }) => tmpfsBytes),
      [undefined, undefined],
    );
    const { volumes } = specify(settingsOf({ builds: 'memory' }));
    assert.deepEqual(
      volumes.map(({ tmpfsBytes }) => tmpfsBytes),
      [20 * 1024 ** 3, undefined],
    );
  });

  test('a file of the host is seen only as gitlab-runner in the helper', () => {
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

suite('the cache', () => {
  const cacheOf = (cache: string, isProtected: boolean) => {
    const git = { repo_url: 'https://gitlab.example.com/group/project.git', protected: isProtected };
    return specifyJob(parseJob(jobResponse({ git_info: git })), settingsOf({ cache }), hostOffer, owner).cache?.name;
  };

  test('keeps jobs on protected refs apart where the policy says so', () => {
    assert.match(cacheOf('project-and-protection', true) ?? '', /-42-protected$/);
    assert.match(cacheOf('project-and-protection', false) ?? '', /-42-unprotected$/);
    assert.equal(cacheOf('project', true), cacheOf('project', false));
  });

  test('is none where the policy has none, and nothing is mounted', () => {
    const { cache, build, helper, courier } = specify(settingsOf({ cache: 'none' }));
    assert.equal(cache, undefined);
    for (const { mounts } of [build, helper, courier]) assert.ok(!mounts.some(({ target }) => target === '/cache'));
  });
});

suite('limits', () => {
  test('of the job are those of its slice, which holds what runs', () => {
    const { helper, build, courier } = specify(settings, { slice: 'bulkhead-job.slice' });
    assert.deepEqual(
      [helper.slice, build.slice, courier.slice],
      ['bulkhead-job.slice', 'bulkhead-job.slice', undefined],
    );
  });

  test('of a service are those of a slice of its own, where it has one', () => {
    const service = (index: number) => ({
      ...{ index, command: ['x'], aliases: ['x'], environment: [], user: undefined, imageUser: '' },
    });
    const offer = { ...hostOffer, slice: 'bulkhead-job7.slice', serviceSlices: new Map([[2, 'own.slice']]) };
    const { services } = specifyJob(job, settings, offer, owner, undefined, [service(0), service(2)]);
    assert.deepEqual(
      services.map(({ slice }) => slice),
      ['bulkhead-job7.slice', 'own.slice'],
    );
  });

  test('of syscalls are in the profile that the host offers', () => {
    for (const { seccompProfile } of sandboxes) assert.equal(seccompProfile, hostOffer.seccompProfile);
  });
});
