import { setTimeout as sleep } from 'node:timers/promises';
import { BulkheadError, toBulkheadError } from '../errors.ts';
import { labelKeys } from '../sandbox/names.ts';
import { type Podman, request, statusCode, waitForPodman } from './client.ts';
import { listLabelled, type ObjectKind } from './labelled-objects.ts';

/** The names of a job's objects, by kind; of containers their ids. */
export interface JobObjects {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
}

/** Every object that carries the job's label: the only state a job has. */
export async function listJobObjects(podman: Podman, jobKey: string): Promise<JobObjects> {
  // Filters are the server's word; a list that ignored them must not make us remove what is another job's.
  // Labels alone prove nothing either: an image brings its own, and somebody else may run it as the same Podman user.
  const ours = (await listLabelled(podman, jobKey)).filter(
    ({ name, labels }) => labels[labelKeys.job] === jobKey && name.startsWith(`bulkhead-${jobKey}-`),
  );
  const idsOf = (kind: ObjectKind) => ours.filter((object) => object.kind === kind).map(({ id }) => id);
  return { containers: idsOf('container'), volumes: idsOf('volume'), networks: idsOf('network') };
}

const rounds = 8;
const pauseMs = 250;
/** For a service that restarts meanwhile. */
const podmanPatienceMs = 20_000;

/**
 * Removes everything that carries the job's label, as often as it takes: another cleanup may be at work, the service may
 * restart, and calls of a prepare that was killed may still be carried out. Containers first, since volumes and the network
 * are in use until then; each round begins with a fresh list, so it does not matter where an earlier one stopped.
 * @param expectedContainers how many containers a complete job has. Fewer mean that a prepare ended early; Podman may then
 *   still be creating what it was asked for, so "nothing" counts only when it is seen twice.
 * @returns how many objects were removed.
 * @throws BulkheadError `cleanup-incomplete` naming what is left, or `podman-unreachable`.
 */
export async function removeJobObjects(podman: Podman, jobKey: string, expectedContainers: number): Promise<number> {
  let removed = 0;
  let complete = false;
  let emptyLists = 0;
  let failure: unknown;
  let left: JobObjects | undefined;
  for (let round = 0; round < rounds; round++) {
    if (failure !== undefined) {
      await sleep(pauseMs * round);
      await waitForPodman(podman, podmanPatienceMs);
    }
    failure = undefined;
    try {
      const objects = await listJobObjects(podman, jobKey);
      left = objects;
      complete ||= objects.containers.length >= expectedContainers;
      if (count(objects) === 0) {
        emptyLists++;
        if (complete || emptyLists > 1) return removed;
        await sleep(pauseMs);
        continue;
      }
      emptyLists = 0;
      removed += await removeAll(objects.containers, (id) => podman.getContainer(id).remove({ force: true, v: true }));
      removed += await removeAll(objects.volumes, (name) => podman.getVolume(name).remove());
      removed += await removeAll(objects.networks, (name) => podman.getNetwork(name).remove());
    } catch (error) {
      failure = error;
    }
  }
  throw new BulkheadError(
    'cleanup-incomplete',
    `objects of the job are left on this host (${left ? `${count(left)} seen last` : 'none could be listed'})${failure === undefined ? '' : `: ${toBulkheadError(failure).message}`}`,
    `List them with: podman ps --all --filter label=${labelKeys.job}=${jobKey}`,
    { cause: failure },
  );
}

function count(objects: JobObjects): number {
  return objects.containers.length + objects.volumes.length + objects.networks.length;
}

/** Removes all of them at once; one that is gone already, or that another cleanup is removing, is no failure. */
async function removeAll(names: readonly string[], remove: (name: string) => Promise<unknown>): Promise<number> {
  const results = await Promise.allSettled(names.map((name) => request(`remove ${name}`, remove(name))));
  for (const result of results) {
    if (result.status === 'rejected' && statusCode(result.reason) !== 404) throw result.reason;
  }
  return results.filter((result) => result.status === 'fulfilled').length;
}
