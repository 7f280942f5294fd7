import type { Bundle } from '../../../src/guarantees/bundle.ts';
import type { Observation } from '../../../src/guarantees/guarantee.ts';
import type { ProbeReport } from '../../../src/guarantees/probe.ts';
import type { SandboxDemand, SandboxFacts } from '../../../src/guarantees/sandbox-facts.ts';
import { nativeArchitecture } from '../../../src/guarantees/seccomp-rules.ts';
import type { SeccompProfile } from '../../../src/sandbox/seccomp-profile.ts';
import type { SandboxSpec } from '../../../src/sandbox/specification.ts';

// A sandbox as it should be, so that each test can change one thing.

export const id = 'ab'.repeat(32);
export const anonymous = '0c'.repeat(32);
const volumes = '/var/lib/bulkhead/storage/volumes';
const userdata = `/run/bulkhead/containers/overlay-containers/${id}/userdata`;

export const spec: SandboxSpec = {
  role: 'build',
  name: 'bulkhead-1-build',
  labels: {},
  hostname: 'job-1',
  networks: ['bulkhead-1-network-build'],
  user: '0:0',
  capabilities: ['CHOWN', 'SETUID'],
  seccompProfile: '/etc/bulkhead/seccomp/baseline.json',
  readOnlyRoot: false,
  slice: undefined,
  environment: [],
  tmpfs: { '/tmp': 'rw,exec,nosuid,nodev,mode=1777,size=4096' },
  mounts: [
    { kind: 'volume', source: 'bulkhead-1-builds', target: '/builds', readOnly: false },
    { kind: 'volume', source: 'bulkhead-1-scripts', target: '/bulkhead', readOnly: true },
    { kind: 'host-file', source: '/usr/bin/gitlab-runner', target: '/usr/local/bin/gitlab-runner' },
  ],
};

export const profile: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  archMap: [{ architecture: nativeArchitecture.seccomp, subArchitectures: [] }],
  syscalls: [
    { names: ['read', 'ptrace'], action: 'SCMP_ACT_ALLOW' },
    {
      names: ['clone'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    },
    { names: ['setns'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
  ],
};

export const demand: SandboxDemand = {
  spec,
  imageId: `sha256:${'1'.repeat(64)}`,
  profile,
  canaries: ['192.0.2.1:40000', '10.0.2.2:40000'],
};

const volumeOptions = ['nosuid', 'nodev', 'nocopy', 'rprivate', 'rbind'];
export const bundle: Bundle = {
  process: {
    user: { uid: 0, gid: 0 },
    capabilities: {
      bounding: ['CAP_CHOWN', 'CAP_SETUID'],
      effective: ['CAP_CHOWN', 'CAP_SETUID'],
      permitted: ['CAP_CHOWN', 'CAP_SETUID'],
    },
    noNewPrivileges: true,
  },
  root: { path: '/var/lib/bulkhead/storage/overlay/33/merged' },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: [] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: [] },
    { destination: '/dev/shm', type: 'bind', source: `/var/lib/x/${id}/userdata/shm`, options: ['bind'] },
    { destination: '/etc/hosts', type: 'bind', source: `${userdata}/hosts`, options: ['bind', 'rprivate'] },
    { destination: '/builds', type: 'bind', source: `${volumes}/builds/_data`, options: ['rw', ...volumeOptions] },
    { destination: '/bulkhead', type: 'bind', source: `${volumes}/scripts/_data`, options: ['ro', ...volumeOptions] },
    {
      destination: '/usr/local/bin/gitlab-runner',
      type: 'bind',
      source: '/usr/bin/gitlab-runner',
      options: ['ro', 'rprivate', 'rbind'],
    },
    {
      destination: '/tmp',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['rw', 'exec', 'nosuid', 'nodev', 'mode=1777', 'size=4096', 'rprivate', 'tmpcopyup'],
    },
    { destination: '/data', type: 'bind', source: `${volumes}/${anonymous}/_data`, options: volumeOptions },
  ],
  annotations: { 'io.container.manager': 'libpod' },
  hooks: {},
  linux: {
    devices: [],
    seccomp: {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 1,
      architectures: [nativeArchitecture.seccomp],
      syscalls: [
        {
          names: ['clone'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, value: 2114060288, op: 'SCMP_CMP_MASKED_EQ' }],
        },
        { names: ['ptrace'], action: 'SCMP_ACT_ALLOW' },
        { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [] },
      ],
    },
  },
};

const capabilities = '0000000000000081';
export const probe: ProbeReport = {
  version: 2,
  uid: 0,
  gid: 0,
  noNewPrivileges: 1,
  status: {
    Groups: '',
    CapInh: '0000000000000000',
    CapPrm: capabilities,
    CapEff: capabilities,
    CapBnd: capabilities,
    CapAmb: null,
    Seccomp: '2',
  },
  rootCreation: 0,
  truncation: [30, 5],
  mounts: [
    ['/', 'rw', 'overlay'],
    ['/proc', 'rw,noexec', 'proc'],
    ['/builds', 'rw', '9p'],
    ['/bulkhead', 'ro', '9p'],
    ['/usr/local/bin/gitlab-runner', 'ro', '9p'],
    ['/data', 'rw', '9p'],
    ['/etc/hosts', 'rw', '9p'],
    ['/dev/shm', 'rw', '9p'],
  ],
  interfaces: ['lo', 'eth0'],
  defaultRoute: true,
  systemCalls: Object.fromEntries(
    'add_key fanotify_init fsopen get_mempolicy io_uring_enter io_uring_register io_uring_setup keyctl landlock_create_ruleset mbind memfd_secret move_mount name_to_handle_at open_by_handle_at open_tree perf_event_open pidfd_getfd process_madvise process_vm_readv process_vm_writev request_key set_mempolicy setns syslog unshare userfaultfd vmsplice'
      .split(' ')
      .map((name) => [name, 1]),
  ),
  // EHOSTUNREACH, which the rules answer with.
  connections: { '192.0.2.1:40000': 113, '10.0.2.2:40000': 113 },
};

export const facts: SandboxFacts = {
  container: {
    id,
    ociRuntime: 'runsc',
    pid: 4242,
    imageId: demand.imageId,
    networks: ['bulkhead-1-network-build'],
    volumes: [
      { name: 'bulkhead-1-builds', source: `${volumes}/builds/_data`, target: '/builds' },
      { name: 'bulkhead-1-scripts', source: `${volumes}/scripts/_data`, target: '/bulkhead' },
      { name: anonymous, source: `${volumes}/${anonymous}/_data`, target: '/data' },
    ],
  },
  process: {
    pid: 4242,
    uid: 1000,
    commandLine: ['runsc-sandbox', '--oci-seccomp=true', '--ignore-cgroups=true', 'boot', '--bundle=/b', id],
  },
  network: { sandbox: 'net:[3]', driver: 'net:[1]', host: 'net:[1]', sharedWith: [] },
  bundle: { seen: bundle },
  probe: { seen: probe },
  image: { digests: [`docker.io/library/debian@sha256:${'d'.repeat(64)}`], volumes: ['/data'] },
  networks: { 'bulkhead-1-network-build': { internal: false, interfaceName: 'bh0123456789b' } },
  guard: { seen: { difference: undefined, refused: { bh0123456789b: 2, bh0123456789h: 0 } } },
};

export const withProbe = (change: Partial<ProbeReport>): SandboxFacts => ({
  ...facts,
  probe: { seen: { ...probe, ...change } },
});

export const withStatus = (change: Partial<ProbeReport['status']>, rest: Partial<ProbeReport> = {}): SandboxFacts =>
  withProbe({ ...rest, status: { ...probe.status, ...change } });

export const withBundle = (change: Partial<Bundle>): SandboxFacts => ({
  ...facts,
  bundle: { seen: { ...bundle, ...change } },
});

/** The same, as text in one line: `<state>: <evidence or reason>`. */
export function said(observation: Observation): string {
  return `${observation.state}: ${observation.state === 'proven' ? observation.evidence : observation.reason}`;
}

export const blind: SandboxFacts = { ...facts, probe: { unseen: 'the probe is blind' } };
export const withoutBundle: SandboxFacts = { ...facts, bundle: { unseen: 'no bundle in sight' } };
