import type { Job } from '../runner/job.ts';

/** What a Podman object is to its job. */
export type Role = 'helper' | 'build' | 'courier' | 'builds' | 'scripts' | 'network';

export const labelKeys = {
  job: 'io.bulkhead.job',
  jobId: 'io.bulkhead.job-id',
  instance: 'io.bulkhead.instance',
  role: 'io.bulkhead.role',
  policy: 'io.bulkhead.policy',
  policyHash: 'io.bulkhead.policy-hash',
  deadline: 'io.bulkhead.deadline',
  runnerProcess: 'io.bulkhead.runner-process',
} as const;

/** What is the same on every object of one job. */
export interface Ownership {
  readonly policy: string;
  readonly policyHash: string;
  /** Unix time in seconds after which nobody can still need the object. */
  readonly deadline: number;
  /** `<pid>:<start time>` of the GitLab Runner process that owns the job. */
  readonly runnerProcess: string;
}

/** The name of an object: the same in every stage and attempt, so that any of them can find it without state of its own. */
export function objectName(job: Job, role: Role): string {
  return `bulkhead-${job.key}-${role}`;
}

/**
 * All labels of an object. Every one is set on every object, because Podman merges the image's labels into those that are
 * not set, and images are chosen by the job.
 */
export function labelsFor(job: Job, role: Role, owner: Ownership): Record<string, string> {
  return {
    [labelKeys.job]: job.key,
    [labelKeys.jobId]: String(job.id),
    [labelKeys.instance]: job.instance,
    [labelKeys.role]: role,
    [labelKeys.policy]: owner.policy,
    [labelKeys.policyHash]: owner.policyHash,
    [labelKeys.deadline]: String(owner.deadline),
    [labelKeys.runnerProcess]: owner.runnerProcess,
  };
}
