import type { LabelledObject } from '../podman/labelled-objects.ts';
import { labelKeys, objectName, type Role } from '../sandbox/names.ts';

/** An object that is ours beyond doubt, and what its labels say of its job. */
export interface JobObject {
  readonly object: LabelledObject;
  readonly jobKey: string;
  /** As the labels tell it; for people and receipts. */
  readonly jobId: number;
  readonly instance: string;
  readonly policy: { readonly name: string; readonly hash: string };
  /** Unix time in seconds. */
  readonly deadline: number;
  /** As runnerIdentity wrote it, or whatever stands there. */
  readonly runnerProcess: string;
}

/** An object with a job's label that is not, or not clearly, one of ours: it is left alone. */
export interface StrangeObject {
  readonly object: LabelledObject;
  readonly why: string;
}

const keyPattern = /^(?:[1-9]\d{0,15}|check)-[0-9a-f-]{12}$/;
const rolePattern = /^[a-z][a-z0-9-]{0,40}$/;
const numberPattern = /^\d{1,15}$/;

/**
 * Believes an object's labels, or says why not. Labels alone prove nothing: an image brings labels of its own, and whoever
 * started a container from it as the same Podman user would see it removed. Its name is nobody's to choose but ours.
 */
export function readClaim(object: LabelledObject): JobObject | StrangeObject {
  const label = (key: string): string => object.labels[key] ?? '';
  const strange = (why: string): StrangeObject => ({ object, why });
  const [jobKey, role, deadline, jobId] = [
    label(labelKeys.job),
    label(labelKeys.role),
    label(labelKeys.deadline),
    label(labelKeys.jobId),
  ];
  if (!keyPattern.test(jobKey) || !rolePattern.test(role)) return strange('its labels name no job of ours');
  if (object.name !== objectName({ key: jobKey }, role as Role)) {
    return strange('its name does not fit its labels, which may come from its image');
  }
  if (!numberPattern.test(jobId)) return strange(`its label ${labelKeys.jobId} is no number`);
  if (!numberPattern.test(deadline)) return strange(`its label ${labelKeys.deadline} is no time`);
  // We never write such a one; a clock that was set by years would make one of all.
  if (object.createdAt !== undefined && Number(deadline) < object.createdAt) {
    return strange(`its label ${labelKeys.deadline} is a time before it was made`);
  }
  return {
    object,
    jobKey,
    jobId: Number(jobId),
    instance: label(labelKeys.instance),
    policy: { name: label(labelKeys.policy), hash: label(labelKeys.policyHash) },
    deadline: Number(deadline),
    runnerProcess: label(labelKeys.runnerProcess),
  };
}

/** Sorts what was found by job. What is strange belongs to none, and speaks for none. */
export function groupByJob(objects: readonly LabelledObject[]): {
  jobs: Map<string, JobObject[]>;
  strange: StrangeObject[];
} {
  const jobs = new Map<string, JobObject[]>();
  const strange: StrangeObject[] = [];
  for (const claim of objects.map(readClaim)) {
    if ('why' in claim) strange.push(claim);
    else jobs.set(claim.jobKey, [...(jobs.get(claim.jobKey) ?? []), claim]);
  }
  return { jobs, strange };
}
