import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { describeSyscall, type Profile, type Rule, uncovered } from './seccomp-subset.ts';

const folder = join(import.meta.dirname, '../../seccomp');
const read = (path: string): Profile => JSON.parse(readFileSync(path, 'utf8'));
const names = ['baseline', 'restricted', 'hermetic'] as const;
const profiles = Object.fromEntries(names.map((name) => [name, read(join(folder, `${name}.json`))])) as Record<
  (typeof names)[number],
  Profile
>;
/** The distribution's containers-common ships it. */
const podmanDefault = '/usr/share/containers/seccomp.json';

/**
 * System calls of Linux 5.16 to 6.13. A profile of that time answers "no such system call" to those, which C libraries
 * take for an old kernel; runsc can only answer "not permitted", which they take for a failure. So ours lets them through
 * to gVisor, which does not have them or treats them like the older ones.
 */
const newerThanSomeProfiles = new Set([
  'futex_waitv',
  'cachestat',
  'fchmodat2',
  'map_shadow_stack',
  'futex_wake',
  'futex_wait',
  'futex_requeue',
  'mseal',
  'setxattrat',
  'getxattrat',
  'listxattrat',
  'removexattrat',
]);

function allows(profile: Profile, name: string): boolean {
  return profile.syscalls.some((rule) => rule.names.includes(name));
}

test('the profiles are these', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  assert.deepEqual(files.sort(), names.map((name) => `${name}.json`).sort());
});

for (const name of names) {
  suite(name, () => {
    const profile = profiles[name];

    test('refuses with EPERM what it does not list, on both architectures', () => {
      const { defaultAction, defaultErrnoRet, archMap } = profile;
      assert.deepEqual([defaultAction, defaultErrnoRet], ['SCMP_ACT_ERRNO', 1]);
      assert.deepEqual(
        archMap.map(({ architecture, subArchitectures }) => [architecture, subArchitectures]),
        [
          ['SCMP_ARCH_X86_64', []],
          ['SCMP_ARCH_AARCH64', []],
        ],
      );
      assert.deepEqual(Object.keys(profile).sort(), ['archMap', 'defaultAction', 'defaultErrnoRet', 'syscalls']);
    });

    test('only allows, knows only what runsc knows, and lists nothing twice', () => {
      const seen = new Set<string>();
      for (const rule of profile.syscalls) {
        const { names: listed, action, args = [], ...more } = rule;
        assert.equal(action, 'SCMP_ACT_ALLOW');
        assert.deepEqual(more, {}, 'no includes, excludes or errnoRet: Podman or runsc would leave them out');
        assert.ok(args.length > 0 || listed.length > 1);
        for (const { op, index } of args) {
          assert.match(op, /^SCMP_CMP_(EQ|MASKED_EQ)$/, 'NE lets through what differs in bits that the kernel ignores');
          assert.ok(index >= 0 && index < 6);
        }
        for (const syscall of listed) {
          assert.match(syscall, /^[a-z0-9_]+$/);
          const key = `${syscall} ${JSON.stringify(args)}`;
          assert.ok(!seen.has(key), `${key} twice`);
          seen.add(key);
        }
      }
    });

    test('keeps what no program can do without', () => {
      for (const syscall of ['read', 'execve', 'clone', 'clone3', 'mmap', 'openat', 'fchmodat2', 'socket', 'mknodat'])
        assert.ok(allows(profile, syscall), syscall);
    });

    test('leaves out what no job has a use for', () => {
      for (const syscall of [
        'mount',
        'unshare',
        'setns',
        'bpf',
        'keyctl',
        'io_uring_setup',
        'userfaultfd',
        'kexec_load',
      ])
        assert.ok(!allows(profile, syscall), syscall);
    });

    test(`allows nothing that Podman's own profile refuses an unprivileged container`, {
      skip: existsSync(podmanDefault) ? false : `${podmanDefault} is not on this host`,
    }, () => {
      const theirs = read(podmanDefault);
      const mentioned = new Set(theirs.syscalls.flatMap((rule) => rule.names));
      const known = profile.syscalls.map((rule) => ({
        ...rule,
        names: rule.names.filter((syscall) => mentioned.has(syscall) || !newerThanSomeProfiles.has(syscall)),
      }));
      for (const architecture of ['amd64', 'arm64']) {
        const wider = uncovered({ ...profile, syscalls: known }, theirs, architecture);
        // There is no such call there, so nothing is allowed.
        const real = wider.filter(({ name: syscall }) => !(architecture === 'arm64' && syscall === 'arch_prctl'));
        assert.deepEqual(real.map(describeSyscall), []);
      }
    });
  });
}

for (const [tighter, wider] of [
  ['restricted', 'baseline'],
  ['hermetic', 'restricted'],
] as const) {
  test(`${tighter} allows nothing that ${wider} refuses, and less`, () => {
    assert.deepEqual(uncovered(profiles[tighter], profiles[wider], 'amd64').map(describeSyscall), []);
    assert.notDeepEqual(uncovered(profiles[wider], profiles[tighter], 'amd64'), []);
  });
}

test('restricted leaves out tracing and becoming somebody else', () => {
  for (const name of ['ptrace', 'setgroups', 'setfsuid', 'syslog']) {
    assert.ok(allows(profiles.baseline, name), name);
    assert.ok(!allows(profiles.restricted, name), name);
  }
  // xz, cp and install call it on their own files, and some of them fail when it fails.
  assert.ok(allows(profiles.restricted, 'fchown'));
});

suite('sockets', () => {
  const [unix, inet, netlink, inet6, packet, alg, vsock] = [1, 2, 16, 10, 17, 38, 40];
  const [stream, datagram, raw] = [1, 2, 3];
  const cloexec = 0x80000;
  const socket = (profile: Profile, ...values: number[]): boolean =>
    profile.syscalls.some(
      ({ names: listed, args = [] }: Rule) =>
        listed.includes('socket') &&
        args.every(({ index, value, valueTwo = 0, op }) =>
          op === 'SCMP_CMP_EQ' ? values[index] === value : ((values[index] ?? 0) & value) === valueTwo,
        ),
    );

  for (const [what, values, allowedBy] of [
    ['a UNIX socket', [unix, stream, 0], ['baseline', 'restricted', 'hermetic']],
    ['TCP, with flags', [inet, stream | cloexec, 6], ['baseline', 'restricted', 'hermetic']],
    ['UDP over IPv6', [inet6, datagram, 0], ['baseline', 'restricted', 'hermetic']],
    ['route netlink', [netlink, raw | cloexec, 0], ['baseline', 'restricted']],
    ['uevent netlink', [netlink, datagram, 15], ['baseline']],
    ['audit netlink', [netlink, raw, 9], []],
    ['netfilter netlink', [netlink, raw, 12], []],
    ['a raw socket', [inet, raw, 1], ['baseline']],
    ['a raw socket, with flags', [inet6, raw | cloexec, 58], ['baseline']],
    ['a packet socket', [packet, raw, 768], []],
    ["the kernel's ciphers", [alg, 5, 0], []],
    ['a socket to the hypervisor', [vsock, stream, 0], []],
  ] as const) {
    test(`${what}: ${allowedBy.join(', ') || 'nowhere'}`, () => {
      assert.deepEqual(
        names.filter((name) => socket(profiles[name], ...values)),
        allowedBy,
      );
    });
  }
});

suite('the comparison itself', () => {
  const allow = (rules: Partial<Rule>[]): Profile => ({
    defaultAction: 'SCMP_ACT_ERRNO',
    archMap: [],
    syscalls: rules.map((rule) => ({ names: ['socket'], action: 'SCMP_ACT_ALLOW', ...rule })),
  });
  const eq = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' });
  const ne = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_NE' });
  const isCovered = (ours: Partial<Rule>[], theirs: Partial<Rule>[]) =>
    uncovered(allow(ours), allow(theirs), 'amd64').length === 0;

  for (const [what, ours, theirs, expected] of [
    ['the same', [{}], [{}], true],
    ['a name that they do not have', [{ names: ['bpf'] }], [{}], false],
    ['a condition is tighter than none', [{ args: [eq(0, 1)] }], [{}], true],
    ['none is wider than a condition', [{}], [{ args: [eq(0, 1)] }], false],
    ['another value', [{ args: [eq(0, 2)] }], [{ args: [eq(0, 1)] }], false],
    ['a value that is not the one they exclude', [{ args: [eq(0, 2)] }], [{ args: [ne(0, 16)] }], true],
    ['the value that they exclude', [{ args: [eq(0, 16)] }], [{ args: [ne(0, 16)] }], false],
    ['of two conditions one is not met', [{ args: [eq(0, 2)] }], [{ args: [eq(0, 2), eq(1, 1)] }], false],
    ['an exception to what they allow', [{}], [{}, { action: 'SCMP_ACT_ERRNO', args: [eq(0, 40)] }], false],
    [
      'their exception is not ours',
      [{ args: [eq(0, 2)] }],
      [{}, { action: 'SCMP_ACT_ERRNO', args: [eq(0, 40)] }],
      true,
    ],
    ['allowed to the privileged only', [{}], [{ includes: { caps: ['CAP_SYS_ADMIN'] } }], false],
    ['allowed to the unprivileged', [{}], [{ excludes: { caps: ['CAP_SYS_ADMIN'] } }], true],
    ['allowed on this architecture', [{}], [{ includes: { arches: ['amd64'] } }], true],
    ['allowed on another', [{}], [{ includes: { arches: ['s390x'] } }], false],
  ] as const) {
    test(what, () => {
      assert.equal(isCovered(ours as unknown as Partial<Rule>[], theirs as unknown as Partial<Rule>[]), expected);
    });
  }
});
