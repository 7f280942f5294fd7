import fc from 'fast-check';
import type { Configuration } from '../../src/configuration.ts';
import { type Settings, settingsSchema } from '../../src/policy/schema.ts';
import { type Job, parseJob } from '../../src/runner/job.ts';
import { unlimited } from '../../src/sandbox/limits-label.ts';
import type { Ownership } from '../../src/sandbox/names.ts';
import type { HostOffer } from '../../src/sandbox/specify.ts';

/** The token that must never leave JOB_RESPONSE_FILE. */
export const jobToken = 'glcbt-64_TopSecretJobToken';

/** What GitLab Runner writes to JOB_RESPONSE_FILE, as far as a test looks at it. */
export function jobResponse(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 4711,
    token: jobToken,
    job_info: { project_id: 42, project_full_path: 'group/project', name: 'build', stage: 'test' },
    git_info: { repo_url: `https://gitlab-ci-token:${jobToken}@gitlab.example.com/group/project.git`, ref: 'main' },
    runner_info: { timeout: 3600 },
    image: { name: 'debian:12' },
    services: null,
    variables: [{ key: 'CI_JOB_TOKEN', value: jobToken, public: false, masked: true }],
    credentials: [{ type: 'registry', url: 'registry.example.com', username: 'gitlab-ci-token', password: jobToken }],
    ...changes,
  };
}

export const job: Job = parseJob(jobResponse());

export const configuration: Configuration = {
  socket: '/run/bulkhead/podman.sock',
  helperImage: 'localhost/bulkhead-helper:latest',
  policies: '/etc/bulkhead/policies',
  seccompProfiles: '/etc/bulkhead/seccomp',
  stateFolder: '/var/lib/bulkhead/state',
  init: '/usr/bin/catatonit',
  terminationGraceSeconds: 10,
  servicesTimeoutSeconds: 30,
};

/** A whole policy, as its file has it. */
export const policyFile = {
  images: { allow: ['docker.io/**', 'localhost/**'], digest: 'optional', pullPolicies: ['if-not-present', 'always'] },
  services: { allow: ['docker.io/library/*'], digest: 'optional', pullPolicies: ['always'] },
  user: { run: 'image', root: 'allowed' },
  capabilities: ['CHOWN', 'SETGID', 'SETUID'],
  rootFilesystem: 'ephemeral',
  builds: 'disk',
  tmpfs: { '/tmp': '2GiB' },
  seccomp: 'baseline',
  ulimits: { core: '0B', nofile: { soft: 1024, hard: 4096 } },
  network: { helper: 'egress', build: 'egress', services: 'job', allow: [{ to: 'gitlab' }] },
  limits: {
    memory: '4GiB',
    cpus: 2,
    pids: 4096,
    disk: '20GiB',
    log: '64MiB',
    services: 2,
    serviceMemory: '1GiB',
  },
  cache: 'project-and-protection',
  environment: { refuse: ['CI_DEBUG_*'] },
  require: ['rootless', 'gvisor'],
} as const;

/** The settings of a policy file that says everything, with some of its sections changed. */
export function settingsOf(changes: Record<string, unknown> = {}): Settings {
  return settingsSchema.parse({ ...policyFile, ...changes });
}

export const settings: Settings = settingsOf();

export const hostOffer: HostOffer = {
  seccompProfile: '/etc/bulkhead/seccomp/baseline.json',
  gitlabRunner: undefined,
  slice: undefined,
};

export const owner: Ownership = {
  policy: 'baseline',
  policyHash: '0123456789abcdef',
  deadline: 1_900_000_000,
  runnerProcess: '123:456789',
  limits: unlimited,
  ulimits: '4=0:0',
};

/** Any text, control characters and halves of characters too; fast-check's own "binary" takes a second to begin. */
export const anyText = (constraints: fc.StringConstraints = {}): fc.Arbitrary<string> =>
  fc.string({ ...constraints, unit: fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)) });

/** The same, with as many characters below U+0100 as above. */
export const anyLatinText = (constraints: fc.StringConstraints = {}): fc.Arbitrary<string> =>
  fc.string({ ...constraints, unit: fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)) });
