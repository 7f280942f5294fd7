import type { Configuration } from '../configuration.ts';
import { BulkheadError, toBulkheadError } from '../errors.ts';
import { removeJobSlice } from '../host/job-slice.ts';
import { bootedMs, processPlace, processState } from '../host/process-identity.ts';
import { removeWithGuard } from '../network/remove-guard.ts';
import type { Podman } from '../podman/client.ts';
import { listLabelled, type ObjectKind } from '../podman/labelled-objects.ts';
import { groupByJob, type JobObject, type StrangeObject } from './claim.ts';
import { recordRemoval } from './receipt.ts';
import { type ObjectCounts, removeJob } from './remove-job.ts';
import { type Circumstances, judge, type Verdict } from './verdict.ts';

/** A job whose objects were found, and what came of it. */
export interface JobOutcome {
  readonly objects: readonly JobObject[];
  readonly verdict: Verdict;
  /**
   * `found` is what would be removed, if this were not a dry run; `gone` is what another gc or a cleanup removed first;
   * `alive` is what turned out to be no orphan on a second look.
   */
  readonly action: 'kept' | 'found' | 'removed' | 'gone' | 'alive' | 'incomplete';
  readonly removed: ObjectCounts;
  /** Volumes that something else uses, and that stay for that. */
  readonly inUse: readonly string[];
  /** What should be gone, and is not; or not written down. */
  readonly error?: BulkheadError;
}

export interface OrphanOutcome {
  readonly jobs: readonly JobOutcome[];
  readonly strange: readonly StrangeObject[];
}

export interface OrphanOptions {
  /** Seconds that must have passed since the youngest object of a job was made. */
  readonly olderThan?: number;
  /** Says what it would do, and does nothing. */
  readonly dryRun?: boolean;
  /** At most so many jobs are removed. */
  readonly most?: number;
  /** How often to try what fails. */
  readonly rounds?: number;
  /** Nothing is begun any more when it is aborted. */
  readonly stop?: AbortSignal;
}

type Host = Pick<Configuration, 'socket' | 'stateFolder'>;

const never = new AbortController().signal;

/**
 * Removes everything of jobs that are over though nobody cleaned up after them: their GitLab Runner process is gone, or their
 * deadline passed. Safe beside running jobs, cleanups and itself. Each removal leaves a receipt.
 * @throws BulkheadError when Podman cannot be asked what there is. What cannot be removed is part of the outcome.
 */
export async function removeOrphans(podman: Podman, host: Host, options: OrphanOptions = {}): Promise<OrphanOutcome> {
  const { dryRun = false, most = Number.POSITIVE_INFINITY, stop = never } = options;
  const found = await listLabelled(podman);
  // Asked after the list: a runner that lived then had lived when its objects were made.
  const circumstances = look(options);
  const { jobs, strange } = groupByJob(found);
  const outcomes: JobOutcome[] = [];
  let removals = 0;
  for (const objects of jobs.values()) {
    const verdict = judge(objects, circumstances);
    if (!verdict.orphan) outcomes.push({ objects, verdict, action: 'kept', ...nothing });
    else if (dryRun || removals >= most || stop.aborted) {
      outcomes.push({ objects, verdict, action: 'found', ...nothing });
    } else {
      removals++;
      outcomes.push({ objects, verdict, ...(await removeOrphan(podman, host, objects, verdict.text, options)) });
    }
  }
  return { jobs: outcomes, strange };
}

const nothing = { removed: { container: 0, volume: 0, network: 0 }, inUse: [] };

/** /proc and the clock, as they are now. */
function look({ olderThan = 0 }: OrphanOptions): Circumstances {
  const place = processPlace();
  return {
    now: Date.now() / 1000,
    booted: bootedMs() / 1000,
    olderThan,
    processState: (identity) => processState(identity, place),
  };
}

async function removeOrphan(
  podman: Podman,
  host: Host,
  objects: readonly JobObject[],
  why: string,
  options: OrphanOptions,
): Promise<Omit<JobOutcome, 'objects' | 'verdict'>> {
  const [first] = objects;
  if (first === undefined) return { action: 'gone', ...nothing };
  const { rounds = 6, stop = never } = options;
  const started = performance.now();
  let removed: ObjectCounts = nothing.removed;
  let inUse: readonly string[] = [];
  let error: BulkheadError | undefined;
  try {
    const isOrphan = (again: readonly JobObject[]) => judge(again, look(options)).orphan;
    const removal = await removeWithGuard(
      podman,
      first.jobKey,
      () => removeJob(podman, first.jobKey, { isOrphan, rounds, stop }),
      ({ alive, left }) => !alive && left.length === 0,
    );
    ({ removed, inUse } = removal);
    if (removal.alive) return { action: 'alive', removed, inUse };
    if (removal.left.length > 0) error = incomplete(first.jobKey, removal.left);
    await removeJobSlice(host.socket, first.jobKey);
  } catch (failure) {
    error ??= toBulkheadError(failure);
  }
  const total = sum(removed);
  if (total > 0) {
    await recordRemoval(host, first, total, why, performance.now() - started).catch((failure) => {
      error ??= toBulkheadError(failure);
    });
  }
  if (error !== undefined) return { action: 'incomplete', removed, inUse, error };
  return { action: total > 0 ? 'removed' : 'gone', removed, inUse };
}

export function sum(counts: ObjectCounts): number {
  return Object.values(counts).reduce((total, number) => total + number, 0);
}

/** What a job has, by kind. */
export function countKinds(objects: readonly JobObject[]): ObjectCounts {
  const of = (kind: ObjectKind) => objects.filter(({ object }) => object.kind === kind).length;
  return { container: of('container'), volume: of('volume'), network: of('network') };
}

function incomplete(jobKey: string, left: readonly string[]): BulkheadError {
  return new BulkheadError(
    'cleanup-incomplete',
    `objects of the job ${jobKey} are left: ${left.join('; ')}`,
    "Look at the Podman service's log; then run bulkhead gc again.",
  );
}
