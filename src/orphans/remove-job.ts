import { setTimeout as sleep } from 'node:timers/promises';
import { toBulkheadError } from '../errors.ts';
import { type Podman, request, statusCode, waitForPodman } from '../podman/client.ts';
import { listLabelled, type ObjectKind } from '../podman/labelled-objects.ts';
import { groupByJob, type JobObject } from './claim.ts';

export type ObjectCounts = Readonly<Record<ObjectKind, number>>;

export interface Removal {
  /** By us; what another gc or a cleanup removed meanwhile does not count. */
  readonly removed: ObjectCounts;
  /** Volumes that something else uses. */
  readonly inUse: readonly string[];
  /** `<name>: <Podman's words>` of what should have gone, and did not. */
  readonly left: readonly string[];
  /** The job came back to life: nothing more was touched. */
  readonly alive: boolean;
}

export interface RemovalOptions {
  /** Asked of a fresh list before each round. */
  readonly isOrphan: (objects: readonly JobObject[]) => boolean;
  /** How often to try. */
  readonly rounds: number;
  /** No further request is begun when it is aborted. */
  readonly stop: AbortSignal;
}

const pauseMs = 250;
/** For a service that restarts meanwhile. */
const podmanPatienceMs = 20_000;
/** Containers first: volumes and networks are in use until then. */
const order: readonly ObjectKind[] = ['container', 'volume', 'network'];

/**
 * Removes the objects of a job whose runner is gone. Unlike cleanup, which the job's own runner calls, it looks again before
 * each round whether the job is still an orphan, and it touches nothing whose name does not fit.
 * @throws BulkheadError when Podman cannot be reached.
 */
export async function removeJob(
  podman: Podman,
  jobKey: string,
  { isOrphan, rounds, stop }: RemovalOptions,
): Promise<Removal> {
  const removed = { container: 0, volume: 0, network: 0 };
  let failures: { name: string; error: unknown; inUse: boolean }[] = [];
  for (let round = 0; round < rounds && !stop.aborted; round++) {
    if (round > 0) await sleep(pauseMs * round);
    const objects = await listAgain(podman, jobKey, rounds > 1 ? podmanPatienceMs : 0);
    if (objects.length === 0) return { removed, inUse: [], left: [], alive: false };
    if (!isOrphan(objects)) return { removed, inUse: [], left: [], alive: true };
    failures = [];
    for (const kind of order) {
      if (stop.aborted) break;
      const ofKind = objects.filter(({ object }) => object.kind === kind).map(({ object }) => object);
      const results = await Promise.allSettled(ofKind.map(({ id }) => removeObject(podman, kind, id)));
      for (const [index, result] of results.entries()) {
        if (result.status === 'fulfilled') removed[kind]++;
        // Gone already: another gc, or the job's own cleanup.
        else if (statusCode(result.reason) !== 404) {
          const inUse = kind === 'volume' && statusCode(result.reason) === 409;
          failures.push({ name: ofKind[index]?.name ?? '', error: result.reason, inUse });
        }
      }
    }
    if (failures.length === 0 && !stop.aborted) break;
  }
  return {
    removed,
    inUse: failures.filter(({ inUse }) => inUse).map(({ name }) => name),
    left: failures.filter(({ inUse }) => !inUse).map(({ name, error }) => `${name}: ${toBulkheadError(error).message}`),
    alive: false,
  };
}

async function listAgain(podman: Podman, jobKey: string, patienceMs: number): Promise<readonly JobObject[]> {
  const list = async () => groupByJob(await listLabelled(podman, jobKey)).jobs.get(jobKey) ?? [];
  if (patienceMs === 0) return await list();
  return await list().catch(async () => {
    await waitForPodman(podman, patienceMs);
    return await list();
  });
}

function removeObject(podman: Podman, kind: ObjectKind, id: string): Promise<unknown> {
  const what = `remove ${kind}`;
  if (kind === 'container') return request(what, podman.getContainer(id).remove({ force: true, v: true }));
  if (kind === 'volume') return request(what, podman.getVolume(id).remove());
  return request(what, podman.getNetwork(id).remove());
}
