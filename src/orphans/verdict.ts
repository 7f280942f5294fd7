import type { ProcessState } from '../host/process-identity.ts';
import type { JobObject } from './claim.ts';

/** Why nobody can need a job's objects any more. */
export type OrphanReason = 'deadline-passed' | 'runner-gone' | 'host-rebooted';
/** Why a job's objects stay. */
export type KeptReason = 'runner-running' | 'runner-unknown' | 'too-young';

export type Verdict =
  | { readonly orphan: true; readonly reason: OrphanReason; readonly text: string }
  | { readonly orphan: false; readonly reason: KeptReason; readonly text: string };

/** What the verdict depends on beside the objects. */
export interface Circumstances {
  /** Unix time in seconds, as all times here. */
  readonly now: number;
  /** When this machine was booted. */
  readonly booted: number;
  /** Seconds that must have passed since the youngest object of the job was made. */
  readonly olderThan: number;
  readonly processState: (identity: string) => ProcessState;
}

/**
 * Whether a job is over though its objects are still there. The object that speaks most for the job decides; what is not
 * known speaks for it.
 * @param objects of one job, at least one.
 */
export function judge(objects: readonly JobObject[], { now, booted, olderThan, processState }: Circumstances): Verdict {
  const made = objects.map(({ object }) => object.createdAt ?? Number.POSITIVE_INFINITY);
  const youngest = Math.max(...made);
  if (olderThan > 0 && !(now - youngest > olderThan)) {
    return keep('too-young', Number.isFinite(youngest) ? `made ${formatTime(youngest)}` : 'nobody knows its age');
  }
  const deadline = Math.max(...objects.map((object) => object.deadline));
  if (now > deadline) return orphan('deadline-passed', `its deadline passed ${formatTime(deadline)}`);

  const runners = [...new Set(objects.map(({ runnerProcess }) => runnerProcess))];
  const states = runners.map(processState);
  const name = `runner process ${runners.map((identity) => /^\d{1,10}/.exec(identity)?.[0] ?? '(unnamed)').join(', ')}`;
  if (states.some(({ state }) => state === 'running')) return keep('runner-running', `its ${name} runs`);
  const unknown = states.filter((state) => state.state === 'unknown');
  const [first] = unknown;
  if (first === undefined) return orphan('runner-gone', `its ${name} is gone`);
  // Sandboxes do not outlive the machine, whoever the runner was. Podman is on this one: `prepare` could prove nothing if
  // it were elsewhere, and if it is all the same, a live job has sandboxes that run.
  const before = youngest < booted && objects.every(({ object }) => !object.running);
  if (before && unknown.every(({ earlierBoot }) => earlierBoot)) {
    return orphan('host-rebooted', `it is from before this host was booted ${formatTime(booted)}`);
  }
  return keep('runner-unknown', `nobody can tell from here: ${first.why}; its deadline is ${formatTime(deadline)}`);
}

function orphan(reason: OrphanReason, text: string): Verdict {
  return { orphan: true, reason, text };
}

function keep(reason: KeptReason, text: string): Verdict {
  return { orphan: false, reason, text };
}

/** To the second, in UTC. Labels may hold times that no calendar has. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'in the far future' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}
