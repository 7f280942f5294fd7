import { createHash } from 'node:crypto';
import { outwardRoles } from '../policy/network-rule.ts';
import type { Job } from '../runner/job.ts';
import { type Limits, limitsLabel } from './limits-label.ts';

/** What a Podman object is to its job. */
export type Role = 'helper' | 'build' | ServiceRole | 'courier' | 'builds' | 'scripts' | `network-${NetworkOf}`;
/** Whose way out a network is; `internal` is the one that the sandboxes of a job share. */
export const networksOf = [...outwardRoles, 'internal'] as const;
export type NetworkOf = (typeof networksOf)[number];
/** By the service's place in the job's list. */
export type ServiceRole = `service-${number}`;

export const labelKeys = {
  job: 'io.bulkhead.job',
  jobId: 'io.bulkhead.job-id',
  instance: 'io.bulkhead.instance',
  role: 'io.bulkhead.role',
  policy: 'io.bulkhead.policy',
  policyHash: 'io.bulkhead.policy-hash',
  deadline: 'io.bulkhead.deadline',
  runnerProcess: 'io.bulkhead.runner-process',
  limits: 'io.bulkhead.limits',
  ulimits: 'io.bulkhead.ulimits',
  entrypoint: 'io.bulkhead.entrypoint',
  cacheProject: 'io.bulkhead.cache-project',
  cacheTier: 'io.bulkhead.cache-tier',
} as const;

/** What is the same on every object of one job. */
export interface Ownership {
  readonly policy: string;
  readonly policyHash: string;
  /** Unix time in seconds after which nobody can still need the object. */
  readonly deadline: number;
  /** `<pid>:<start time>` of the GitLab Runner process that owns the job. */
  readonly runnerProcess: string;
  /** What the policy allows: `run` reads it back. */
  readonly limits: Limits;
  /** As ulimitsLabel writes them. */
  readonly ulimits: string;
}

/** The name of an object: the same in every stage and attempt, so that any of them can find it without state of its own. */
export function objectName(job: Pick<Job, 'key'>, role: Role): string {
  return `bulkhead-${job.key}-${role}`;
}

/** The bridge of a job's network: an interface, whose name the kernel bounds to 15 characters. */
export function interfaceName({ key }: Pick<Job, 'key'>, of: NetworkOf): string {
  return `bh${createHash('sha256').update(key).digest('hex').slice(0, 10)}${of.slice(0, 1)}`;
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
    [labelKeys.limits]: limitsLabel(owner.limits),
    [labelKeys.ulimits]: owner.ulimits,
    // The build sandbox alone has one.
    [labelKeys.entrypoint]: '[]',
  };
}

/** Whose jobs may use a cache volume: all of a project, or those on protected refs apart from the others. */
export type CacheTier = 'all' | 'protected' | 'unprotected';

/** The same for all jobs that share the cache, and for no others: project ids are unique within one GitLab only. */
export function cacheName(
  job: { readonly instance: string; readonly projectId: number | string },
  tier: CacheTier,
): string {
  const instance = createHash('sha256').update(job.instance).digest('hex').slice(0, 12);
  return `bulkhead-cache-${instance}-${job.projectId}-${tier}`;
}

/** No job's label: cleanup of a job leaves the cache. */
export function cacheLabels(job: Job, tier: CacheTier): Record<string, string> {
  return {
    [labelKeys.instance]: job.instance,
    [labelKeys.cacheProject]: String(job.projectId),
    [labelKeys.cacheTier]: tier,
  };
}
