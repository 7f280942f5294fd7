import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { GcOutcome } from '../../../src/commands/gc/report.ts';
import { judgeCgroups } from '../../../src/doctor/cgroups.ts';
import type { Finding } from '../../../src/doctor/check.ts';
import { judgeClock } from '../../../src/doctor/clock.ts';
import { judgeRuntime } from '../../../src/doctor/default-runtime.ts';
import { judgeDisk } from '../../../src/doctor/disk-space.ts';
import { judgeGitlabRunner } from '../../../src/doctor/gitlab-runner.ts';
import { judgeGuarantee } from '../../../src/doctor/guarantees.ts';
import { judgeHelperImage } from '../../../src/doctor/helper-image.ts';
import { judgeLeftovers } from '../../../src/doctor/leftovers.ts';
import { judgeLinger } from '../../../src/doctor/linger.ts';
import { judgeRootless } from '../../../src/doctor/podman-rootless.ts';
import { judgeSocket, noSocket, type SocketFacts } from '../../../src/doctor/podman-socket.ts';
import { judgePodman } from '../../../src/doctor/podman-version.ts';
import { judgeVulnerabilities } from '../../../src/doctor/podman-vulnerabilities.ts';
import { judgePolicies } from '../../../src/doctor/policies.ts';
import { judgeReceipts } from '../../../src/doctor/receipts.ts';
import { judgeRunsc } from '../../../src/doctor/runsc.ts';
import { judgeStorage } from '../../../src/doctor/storage-driver.ts';
import { judgeSubordinateIds } from '../../../src/doctor/subordinate-ids.ts';
import { type DeviceFacts, judgeTun } from '../../../src/doctor/tun-device.ts';
import { BulkheadError } from '../../../src/errors.ts';
import { claimed, labelled } from '../orphans/samples.ts';

type Row = readonly [what: string, finding: Finding, state: Finding['state'], text: RegExp, fix?: RegExp];

/** Facts, and what comes of them. What is not as it should be shows the step that mends it. */
function table(subject: string, rows: readonly Row[]): void {
  suite(subject, () => {
    for (const [what, finding, state, text, fix] of rows) {
      test(what, () => {
        assert.equal(finding.state, state, finding.text);
        assert.match(finding.text, text);
        assert.equal('fix' in finding, fix !== undefined);
        if (fix !== undefined && 'fix' in finding) assert.match(finding.fix, fix);
      });
    }
  });
}

const gib = 1024 ** 3;
const account = { uid: 999, name: 'bulkhead', groups: [995, 107] };

const socket = (changes: Partial<SocketFacts>) =>
  judgeSocket({
    socket: '/run/b/podman.sock',
    isSocket: true,
    mode: 0o140600,
    uid: 999,
    gid: 995,
    folderModes: [0o755, 0o755, 0o700],
    replaceable: undefined,
    ...changes,
  });
table('the socket', [
  ['of its owner alone', socket({}), 'ok', /only root and its owner/],
  ['open, in a folder that is not', socket({ mode: 0o140666 }), 'ok', /mode 0666/],
  [
    'open to all',
    socket({ mode: 0o140666, folderModes: [0o755, 0o755] }),
    'fail',
    /every user/,
    /^chmod 0600 \/run\/b\/podman\.sock$/,
  ],
  ['open to a group', socket({ mode: 0o140660, folderModes: [0o755, 0o750] }), 'warn', /the group 995/, /^chmod 0600 /],
  [
    'in a folder of others',
    socket({ replaceable: { why: 'why', fix: 'chmod go-w /run/b' } }),
    'fail',
    /^why$/,
    /^chmod go-w \/run\/b$/,
  ],
  ['that is a file', socket({ isSocket: false }), 'fail', /is not a socket/, /"socket"/],
  ['that is not there', noSocket('/run/b/podman.sock'), 'fail', /there is no socket/, /^Start the Podman service/],
]);

table('Podman', [
  ['of Debian 12', judgePodman('4.3.1'), 'ok', /4\.3\.1/],
  ['of today', judgePodman('6.2.0'), 'ok', /6\.2\.0/],
  ['too old', judgePodman('3.4.4'), 'fail', /too old/, /4\.3 or newer/],
  ['of the future', judgePodman('7.0.0'), 'warn', /newer than/, /newer version of Bulkhead/],
  ['that is something else', judgePodman(''), 'fail', /no version/, /"socket"/],
]);

const flaws = (version: string, distribution = 'debian', changelog = '') =>
  judgeVulnerabilities(version, distribution, changelog);
table('known flaws', [
  ['none', flaws('6.2.0'), 'ok', /none known/],
  ['of an old line', flaws('4.3.1'), 'warn', /CVE-2026-55686.*CVE-2026-94603.*CVE-2026-111361/, /zgrep.*tracker/],
  [
    'closed in the same line',
    flaws('5.8.8'),
    'warn',
    /^Podman 5\.8\.8 is older than the releases in which upstream closed CVE-2026-17106 /,
    /see whether yours did/,
  ],
  ['not yet closed in the newer line', flaws('6.1.2'), 'warn', /closed CVE-2026-94603 .*CVE-2026-111361/, /zgrep/],
  ['of a distribution with RPM', flaws('5.8.2', 'fedora'), 'warn', /CVE-2026-57231/, /rpm -q --changelog podman/],
  [
    'but the package closed them',
    flaws('4.3.1', 'debian', 'CVE-2026-55686 CVE-2026-57231, CVE-2026-17106 CVE-2026-94603\nCVE-2026-111361'),
    'ok',
    /none known/,
  ],
  [
    'and the package closed one of a longer number',
    flaws('6.1.3', 'debian', 'CVE-2026-1113610'),
    'warn',
    /CVE-2026-111361/,
    /zgrep/,
  ],
]);

table('rootless', [
  ['it is', judgeRootless(true, 'bulkhead', 999), 'ok', /bulkhead \(999\)/],
  ['it is not', judgeRootless(false, 'root', 0), 'fail', /runs as root/, /unprivileged user/],
]);

const runtime = (defaultRuntime: string, name = defaultRuntime) =>
  judgeRuntime({ defaultRuntime, runtime: { name, path: '/usr/bin/x', version: '' } });
table('the default runtime', [
  ['is runsc', runtime('runsc'), 'ok', /\/usr\/bin\/x/],
  ['is another', runtime('crun'), 'fail', /under "crun"/, /runtime = "runsc" below \[engine\]/],
  ['is another under that name', runtime('runsc', 'runc'), 'fail', /is "runc"/, /\[engine\.runtimes\]/],
]);

const storage = (driver: string) =>
  judgeStorage({ driver, folder: '/var/s', configuration: '/var/storage.conf' }, 'bulkhead');
table('storage', [
  ['overlay', storage('overlay'), 'ok', /\/var\/s/],
  [
    'vfs',
    storage('vfs'),
    'fail',
    /copies every layer/,
    /^As bulkhead.*: podman system reset; .*"overlay" below \[storage\] of \/var\/storage\.conf, restart the service/,
  ],
  ['another', storage('btrfs'), 'warn', /btrfs/, /overlay/],
]);

const ids = (users: number, subuid: string, subgid = subuid, passwd = 'root:x:0:0::/root:/bin/sh') =>
  judgeSubordinateIds({ users, groups: users }, account, subuid, subgid, passwd);
table('subordinate ids', [
  ['enough', ids(65_537, 'bulkhead:100000:65536\n'), 'ok', /65537 user ids/],
  ['of a directory service', ids(65_537, ''), 'ok', /65537/],
  [
    'too few',
    ids(1, 'alice:100000:65536\n'),
    'fail',
    /has 1 user ids/,
    /--add-subuids 165536-231071 --add-subgids 165536-231071 bulkhead; then, as bulkhead.*: podman system migrate; then restart the service$/,
  ],
  [
    'enough in the files, of which Podman knows nothing yet',
    ids(1001, 'bulkhead:100000:1000\nbulkhead:165536:65536\n'),
    'fail',
    /has 1001 user ids/,
    /^\/etc\/subuid and \/etc\/subgid have them\. As bulkhead.*: podman system migrate; then restart the service$/,
  ],
  [
    'enough users in the files, and too few groups',
    ids(1001, 'bulkhead:100000:65536\n', 'bulkhead:100000:1000\n'),
    'fail',
    /has 1001 user ids/,
    /^usermod /,
  ],
  [
    'too few, with an account where they would be',
    ids(1, '', '', 'root:x:0:0::/root:/bin/sh\nfar:x:120000:120000::/:/bin/sh\n'),
    'fail',
    /has 1 user ids/,
    /--add-subuids 120001-185536 /,
  ],
  [
    'shared',
    ids(65_537, 'bulkhead:100000:65536\nalice:165535:65536\n'),
    'fail',
    /alice has ids that bulkhead has/,
    /another range in \/etc\/subuid/,
  ],
  [
    'shared as groups',
    ids(65_537, '999:100000:65536\n', '999:100000:65536\nbob:1:100001\n'),
    'fail',
    /in \/etc\/subgid, bob/,
    /subgid/,
  ],
  ['beside others', ids(65_537, 'bulkhead:100000:65536\nalice:165536:65536\n'), 'ok', /65537/],
]);

const tun = (changes: Partial<DeviceFacts>) =>
  judgeTun({ isDevice: true, mode: 0o20666, uid: 0, gid: 0, ...changes }, account);
table('/dev/net/tun', [
  ['open', tun({}), 'ok', /bulkhead can open it/],
  ['of a group that its user is in', tun({ mode: 0o20660, gid: 107 }), 'ok', /can/],
  [
    'closed to the group that its user is in',
    tun({ mode: 0o20606, gid: 107 }),
    'fail',
    /cannot/,
    /^chmod 0666 \/dev\/net\/tun$/,
  ],
  ['that its user may only read', tun({ mode: 0o20664 }), 'fail', /mode 0664/, /^chmod 0666 /],
  ['of root alone', tun({ mode: 0o20600 }), 'fail', /owner 0, mode 0600/, /^chmod 0666 /],
  ['missing', judgeTun(undefined, account), 'fail', /no device/, /^modprobe tun/],
  ['a file', tun({ isDevice: false }), 'fail', /no device/, /^modprobe tun/],
]);

table('lingering', [
  ['on', judgeLinger('bulkhead', true), 'ok', /keeps/],
  ['off', judgeLinger('bulkhead', false), 'fail', /ends the session/, /^loginctl enable-linger bulkhead$/],
]);

table('cgroups', [
  ['delegated', judgeCgroups({ state: 'available', uid: 999 }), 'ok', /version 2/],
  ['not', judgeCgroups({ state: 'unavailable', reason: 'why', remedy: 'how' }), 'warn', /why/, /^how$/],
]);

const disk = (bytes: number, inodes: number | undefined) =>
  judgeDisk([
    { folder: '/a', bytes: 100 * gib, inodes: 1e6 },
    { folder: '/b', bytes, inodes },
  ]);
table('the disk', [
  ['with room', disk(20 * gib, 1e6), 'ok', /\/b has 20GiB and 1000000 inodes free/],
  ['without inodes to count', disk(20 * gib, undefined), 'ok', /\/b has 20GiB free/],
  [
    'with little room',
    disk(5 * gib, 1e6),
    'warn',
    /little is left: \/b/,
    /environment of the service: podman image prune --all --filter label!=bulkhead\.inputs$/,
  ],
  ['with few inodes', disk(20 * gib, 100_000), 'warn', /little/, /gc --caches-older-than/],
  ['almost full', disk(gib / 2, 1e6), 'fail', /almost nothing/, /Make room in \/b/],
  ['almost without inodes', disk(20 * gib, 0), 'fail', /0 inodes/, /Make room/],
]);

const nowMs = Date.UTC(2026, 10, 28);
const clock = (writtenMs: number, synchronised?: boolean) =>
  judgeClock({ nowMs, newest: { path: '/f', writtenMs }, synchronised });
table('the clock', [
  ['that nobody speaks against', clock(nowMs - 1), 'ok', /nobody here tells/],
  ['in step', clock(nowMs, true), 'ok', /kept in step/],
  ['a little behind a file', clock(nowMs + 30_000), 'ok', /2026-11-28/],
  [
    'behind',
    clock(nowMs + 3_600_000, true),
    'fail',
    /\/f was written 2026-11-28T01:00:00Z/,
    /timedatectl set-ntp true/,
  ],
  ['on its own', clock(nowMs, false), 'warn', /nothing keeps it in step/, /^timedatectl set-ntp true$/],
  ['without a file', judgeClock({ nowMs, newest: undefined, synchronised: undefined }), 'ok', /2026/],
]);

const found = (level: 'error' | 'warning' | 'info') =>
  ({ level, file: 'a.json', line: 3, path: 'x', message: `an ${level}`, fix: `mend the ${level}` }) as const;
const policies = (...levels: ('error' | 'warning' | 'info')[]) =>
  judgePolicies('/p', { findings: levels.map(found), policies: [{ name: 'baseline' } as never], assigned: new Set() });
table('policies', [
  ['good', policies(), 'ok', /baseline/],
  ['with something worth knowing', policies('info'), 'ok', /baseline/],
  ['with a warning', policies('info', 'warning'), 'warn', /^\/p\/a\.json:3: x: an warning$/, /^mend the warning$/],
  [
    'with errors',
    policies('warning', 'error', 'error'),
    'fail',
    /an error \(and 1 more: bulkhead policy check\)/,
    /^mend the error$/,
  ],
  [
    'without any',
    judgePolicies('/p', { findings: [], policies: [], assigned: new Set() }),
    'fail',
    /no policy/,
    /Copy/,
  ],
]);

table('the helper image', [
  ['is there', judgeHelperImage('h:1', 'b', { id: `sha256:${'a'.repeat(64)}` }), 'ok', /aaaaaaaaaaaa/],
  [
    'is not',
    judgeHelperImage('h:1', 'b', undefined),
    'fail',
    /h:1 is not in the store/,
    /as b, .*podman build --tag h:1 \./,
  ],
]);

const head = { sequence: 1, hash: '' };
const chain = (files: string[], ...problems: string[]) =>
  judgeReceipts('/s', {
    files,
    records: 2,
    torn: 0,
    head,
    problems: problems.map((problem) => ({ file: 'f', line: 1, problem })),
  });
table('receipts', [
  ['whole', chain(['f']), 'ok', /2 records, whole/],
  ['none yet', chain([], 'no receipts'), 'ok', /none yet/],
  [
    'broken',
    chain(['f'], 'was changed', 'and more'),
    'fail',
    /^f:1: was changed \(and 1 more\)$/,
    /bulkhead receipts verify.*who wrote to \/s/,
  ],
]);

const runsc = (...flags: string[]) => judgeRunsc('runsc version 1', flags);
table('runsc', [
  [
    'as set-up makes it',
    runsc('--network=sandbox', '--oci-seccomp=true'),
    'ok',
    /platform runsc's default: --network=sandbox/,
  ],
  ['with a platform', runsc('--platform=kvm'), 'ok', /platform kvm/],
  ['on ptrace', runsc('--platform=ptrace'), 'warn', /ptrace, which is slow/, /--platform/],
  ['with flags that annotations change', runsc('--allow-flag-override=true'), 'warn', /annotations/, /Take it out/],
  ['with sockets of the host', runsc('--host-uds=open'), 'warn', /Unix sockets/, /engine\.runtimes/],
  ['that tells what jobs do', runsc('--strace'), 'warn', /--strace=true/, /Take it out/],
  ['with such flags off', runsc('--debug=false', '--host-uds=none'), 'ok', /runsc version 1/],
]);

const version = (text: string) => judgeGitlabRunner('gitlab-runner', `Version:      ${text}\nGit revision: x\n`);
table('GitLab Runner', [
  ['of today', version('19.4.0'), 'ok', /19\.4\.0/],
  ['too old', version('15.11.1'), 'fail', /too old/, /16\.0 or newer/],
  ['of a developer', version('development version'), 'warn', /does not say/, /release/],
]);

const empty: GcOutcome = { dryRun: true, jobs: [], strange: [], slices: [], caches: undefined, failures: [] };
const orphan = {
  objects: [claimed()],
  verdict: { orphan: true, reason: 'runner-gone', text: '' },
  action: 'found',
  removed: { container: 0, volume: 0, network: 0 },
  inUse: [],
} as const;
const error = new BulkheadError('podman-request-failed', 'what', 'how');
table('leftovers', [
  ['none', judgeLeftovers(empty), 'ok', /none/],
  ['of jobs that run', judgeLeftovers({ ...empty, jobs: [{ ...orphan, action: 'kept' }] }), 'ok', /none/],
  ['of jobs that are over', judgeLeftovers({ ...empty, jobs: [orphan] }), 'warn', /1 jobs/, /^bulkhead gc$/],
  [
    'slices',
    judgeLeftovers({ ...empty, slices: [{ name: 's', action: 'found' }] }),
    'warn',
    /1 slices/,
    /^bulkhead gc$/,
  ],
  [
    'strange objects',
    judgeLeftovers({ ...empty, strange: [{ object: labelled('build'), why: '' }] }),
    'warn',
    /not ours beyond doubt/,
    /--dry-run/,
  ],
  ['that cannot be seen', judgeLeftovers({ ...empty, failures: [error] }), 'warn', /^what$/, /^how$/],
]);

const unavailable = { state: 'unavailable', reason: 'why', remedy: 'how' } as const;
table('a guarantee', [
  ['proven', judgeGuarantee({ state: 'proven', evidence: 'seen' }, true, 'p'), 'ok', /^proven: seen$/],
  ['violated', judgeGuarantee({ ...unavailable, state: 'violated' }, false, 'p'), 'fail', /^violated: why$/, /^how$/],
  ['unavailable', judgeGuarantee(unavailable, false, 'p'), 'warn', /^unavailable: why$/, /^how$/],
  ['unavailable and required', judgeGuarantee(unavailable, true, 'p'), 'fail', /policy p requires it/, /^how$/],
  ['that nothing observes', judgeGuarantee(undefined, false, 'p'), 'warn', /nothing observes/, /Nothing/],
  ['that nothing observes, and is required', judgeGuarantee(undefined, true, 'p'), 'fail', /requires it/, /"require"/],
]);
