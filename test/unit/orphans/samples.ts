import type { JobObject } from '../../../src/orphans/claim.ts';
import type { LabelledObject } from '../../../src/podman/labelled-objects.ts';
import { labelsFor, objectName, type Role } from '../../../src/sandbox/names.ts';
import { job, owner } from '../samples.ts';

/** Unix time in seconds, as all here. */
export const made = 1_800_000_000;
export const deadline = made + 7200;

/** As Podman lists an object that prepare made. */
export function labelled(role: Role, changes: Partial<LabelledObject> = {}): LabelledObject {
  const kind = role.startsWith('network-')
    ? 'network'
    : role === 'builds' || role === 'scripts'
      ? 'volume'
      : 'container';
  return {
    kind,
    id: `id-of-${role}`,
    name: objectName(job, role),
    labels: labelsFor(job, role, { ...owner, deadline }),
    createdAt: made,
    running: false,
    ...changes,
  };
}

/** What has been believed. */
export function claimed(changes: Partial<JobObject> = {}, object: Partial<LabelledObject> = {}): JobObject {
  return {
    object: labelled('build', object),
    jobKey: job.key,
    jobId: job.id,
    instance: job.instance,
    policy: { name: owner.policy, hash: owner.policyHash },
    deadline,
    runnerProcess: owner.runnerProcess,
    ...changes,
  };
}
