import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { configurationSchema } from '../../../src/configuration.ts';
import type { HostFacts } from '../../../src/init/facts.ts';
import { operatorLayout } from '../../../src/init/operator-layout.ts';
import { type InitOptions, plan } from '../../../src/init/plan.ts';
import { describeRequirements } from '../../../src/init/report.ts';
import { alice, debian12, facts, fedora } from './samples.ts';

const nothingAsked: InitOptions = { helperImage: undefined, merge: undefined };
const planned = (changes: Partial<HostFacts> = {}, options = nothingAsked) => plan(facts(changes), options);
const kinds = (changes?: Partial<HostFacts>, options?: InitOptions) => {
  const without = ['file', 'folder'];
  return planned(changes, options)
    .steps.map(({ kind }) => kind)
    .filter((kind) => !without.includes(kind));
};
const file = (path: string, changes?: Partial<HostFacts>, options?: InitOptions): string => {
  const step = planned(changes, options).steps.find((each) => 'path' in each && each.path === path);
  assert.ok(step && 'content' in step, `${path} is written`);
  return step.content;
};

const ofAlice: Partial<HostFacts> = {
  root: false,
  layout: operatorLayout({ XDG_RUNTIME_DIR: '/run/user/1000' }, alice),
  userGroup: 1000,
};
const again = { userGroup: 996, subordinateIds: undefined, lingers: true, cniFolder: true };

test('a pristine host gets a user, then what the user needs, then what runs as it', () => {
  const { obstacles, requirements, notes } = planned();
  assert.deepEqual([obstacles, requirements, notes.length], [[], [], 1]);
  const rest = ['run-folder', 'runtime', 'service', 'helper-image', 'configuration', 'timer'];
  assert.deepEqual(kinds(), ['user', 'subordinate-ids', 'linger', ...rest]);
  assert.deepEqual(kinds(again), rest);
});

test('Podman 4 gets the folder without which it would hide /var/lib', () => {
  const made = (podmanMajor: number) =>
    planned({ podmanMajor }).steps.some((step) => step.kind === 'folder' && step.path === '/var/lib/cni');
  assert.deepEqual([4, 5, 6].map(made), [true, false, false]);
});

test('config.toml is touched only when that is asked for, and last', () => {
  const merge = { path: '/etc/gitlab-runner/config.toml', runner: 'a', replace: false };
  assert.equal(kinds({}, { ...nothingAsked, merge }).at(-1), 'merge');
  assert.ok(!kinds().includes('merge'));
});

test('what others must not read or write they cannot', () => {
  for (const step of planned().steps) {
    if (step.kind === 'folder') assert.equal(step.mode & 0o022, 0, step.path);
    if (step.kind === 'folder' && /state|home|storage/.test(step.path)) assert.equal(step.mode, 0o700, step.path);
    if (step.kind === 'file') assert.equal(step.mode & 0o022, 0, step.path);
    // Nothing that the driver or root reads is in a folder of Podman's user.
    if (step.kind === 'file' || step.kind === 'configuration' || step.kind === 'runtime')
      assert.doesNotMatch(step.path, /\/(home|storage)\//);
  }
});

test('the configuration is one that the driver takes', () => {
  const text = file('/etc/bulkhead/config.json', {}, { ...nothingAsked, helperImage: 'registry.example/helper:1' });
  const configuration = configurationSchema.parse(JSON.parse(text));
  assert.equal(configuration.helperImage, 'registry.example/helper:1');
  assert.equal(configuration.gitlabRunner, '/usr/bin/gitlab-runner');
  assert.equal(configuration.stateFolder, '/var/lib/bulkhead/state');
});

test("Podman's units belong to its user, whose systemd is asked where its bus is", () => {
  assert.match(file('/etc/systemd/user/bulkhead-podman.socket'), /^ConditionUser=bulkhead$/m);
  const service = file('/etc/systemd/user/bulkhead-podman.service');
  assert.match(service, /^Environment="DBUS_SESSION_BUS_ADDRESS=unix:path=%t\/bus"$/m);
  assert.match(service, /^Delegate=true$/m);
});

test('the runtime is never without its flags', () => {
  const wrapper = file('/var/lib/bulkhead/bin/runsc');
  assert.match(
    wrapper,
    /^exec '\/usr\/bin\/runsc' --ignore-cgroups --oci-seccomp --network=sandbox --directfs=false "\$@"$/m,
  );
});

test('gc runs the same driver with the same configuration, whatever its path has in it', () => {
  const changes = { product: '/opt/100% $mine "x"', node: '/opt/node 24/bin/node' };
  const unit = file('/etc/systemd/system/bulkhead-gc.service', changes);
  assert.match(unit, /^Environment="BULKHEAD_NODE=\/opt\/node 24\/bin\/node"$/m);
  assert.match(
    unit,
    /^ExecStart="\/opt\/100%% \$\$mine \\"x\\"\/bin\/bulkhead" --config \/etc\/bulkhead\/config\.json gc$/m,
  );
});

test('controllers that systemd does not hand on are asked of it, and only then', () => {
  const path = '/etc/systemd/system/user@.service.d/bulkhead.conf';
  assert.match(file(path, { delegated: ['memory', 'pids'] }), /^Delegate=cpu memory pids$/m);
  // Before lingering starts the user's systemd, which has what it is given when it starts.
  assert.deepEqual(kinds({ delegated: [] }).slice(0, 4), ['delegation', 'user', 'subordinate-ids', 'linger']);
  for (const delegated of [undefined, ['cpu', 'memory', 'pids']])
    assert.ok(!planned({ delegated }).steps.some((step) => 'path' in step && step.path === path));
});

test('an ordinary user gets everything in folders of XDG, and is told what root has to do', () => {
  const { steps, requirements } = planned(ofAlice);
  assert.deepEqual(kinds(ofAlice), ['runtime', 'service', 'helper-image', 'configuration', 'timer']);
  for (const step of steps) if ('path' in step) assert.match(step.path, /^\/home\/alice\/\.(config|local\/share)\//);
  assert.deepEqual(
    requirements.map(({ commands }) => commands[0]),
    [
      ['usermod', '--add-subuids', '100000-165535', '--add-subgids', '100000-165535', 'alice'],
      ['loginctl', 'enable-linger', 'alice'],
    ],
  );
  assert.equal(
    describeRequirements(requirements, false).at(-2),
    "  sudo sh -c 'usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice && loginctl enable-linger alice'",
  );
});

suite('what is missing is named, with the line that installs it', () => {
  const none = { programs: {}, helperPrograms: [], userBus: false, podmanMajor: undefined, runscVersion: undefined };
  const line = (changes: Partial<HostFacts>) => describeRequirements(planned(changes).requirements, true).at(-2);
  for (const [what, changes, says] of [
    [
      'on Debian 13',
      none,
      '  apt-get install -y --no-install-recommends podman uidmap netavark aardvark-dns iptables nftables catatonit fuse-overlayfs passt dbus-user-session && apt-get install -y --no-install-recommends runsc',
    ],
    [
      'on Debian 12, whose Podman is older and whose runsc is too old',
      { ...none, release: debian12 },
      '  apt-get install -y --no-install-recommends podman uidmap netavark aardvark-dns iptables nftables catatonit fuse-overlayfs slirp4netns dbus-user-session',
    ],
    [
      'on Fedora',
      { ...none, release: fedora },
      '  dnf install -y podman shadow-utils netavark aardvark-dns iptables-nft nftables catatonit fuse-overlayfs passt dbus-broker',
    ],
    ['where a device is closed', { closedDevices: ['/dev/fuse'] }, '  chmod 0666 /dev/fuse'],
  ] as const) {
    test(what, () => assert.equal(line(changes), says));
  }

  test('and without a line where there is none', () => {
    const release = { id: 'arch', version: '', codename: '', debianLike: false, fedoraLike: false };
    const { requirements } = planned({ ...none, release });
    assert.deepEqual(
      requirements.map(({ commands }) => commands),
      [[], []],
    );
    assert.match(requirements[1]?.text ?? '', /gvisor\.dev/);
    assert.ok(!planned({ ...none, release }).steps.some(({ kind }) => kind === 'runtime'));
  });
});

suite('a host is refused', () => {
  for (const [what, changes, says] of [
    ['without systemd', { systemd: false }, /no systemd runs here/],
    ['that npm run setup has set up', { developerSetUp: true }, /docs\/setup\.md/],
    ['where others can change the driver', { productUnsafe: 'the folder /x could be changed' }, /could be changed/],
  ] as const) {
    test(what, () => assert.match(planned(changes).obstacles.join(), says));
  }
});

test('what a host does not give is said', () => {
  const { node: _, ...programs } = facts().programs;
  const { notes } = planned({ cgroup2: false, release: fedora, programs, node: '/opt/node/bin/node' });
  for (const says of [/cgroup version 1/, /SELinux/, /BULKHEAD_NODE=\/opt\/node\/bin\/node/])
    assert.match(notes.join('\n'), says);
  assert.ok(
    !planned({ programs, node: '/opt/bulkhead/node_modules/node/bin/node' }).notes.some((note) =>
      /BULKHEAD_NODE/.test(note),
    ),
  );
});
