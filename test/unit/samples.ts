import fc from 'fast-check';
import type { Configuration } from '../../src/configuration.ts';
import { type Job, parseJob } from '../../src/runner/job.ts';
import type { Ownership } from '../../src/sandbox/names.ts';

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
  seccompProfile: '/etc/bulkhead/seccomp.json',
  init: '/usr/bin/catatonit',
  terminationGraceSeconds: 10,
};

export const owner: Ownership = {
  policy: 'built-in',
  policyHash: '0123456789abcdef',
  deadline: 1_900_000_000,
  runnerProcess: '123:456789',
};

/** Any text, control characters and halves of characters too; fast-check's own "binary" takes a second to begin. */
export const anyText = (constraints: fc.StringConstraints = {}): fc.Arbitrary<string> =>
  fc.string({ ...constraints, unit: fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)) });

/** The same, with as many characters below U+0100 as above. */
export const anyLatinText = (constraints: fc.StringConstraints = {}): fc.Arbitrary<string> =>
  fc.string({ ...constraints, unit: fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)) });
