import { allDone } from '../all-done.ts';
import { BulkheadError } from '../errors.ts';
import {
  createServiceSlice,
  createSlice,
  removeSlice,
  type SliceLimits,
  serviceSliceName,
  sliceName,
} from './slice.ts';
import { type Unavailable, userManager } from './user-manager.ts';

/** The systemd slice that holds all sandboxes of a job to its limits, or why this host has none to give. */
export type JobSlice =
  | {
      readonly state: 'made';
      readonly name: string;
      /** Slices within it, by the service's place in the job's list; none where a service has no limit of its own. */
      readonly services: ReadonlyMap<number, string>;
    }
  | Unavailable;

/** The services of a job, as far as slices go. */
export interface ServiceSlices {
  /** Their places in the job's list. */
  readonly indices: readonly number[];
  /** Of each of them alone. */
  readonly memoryBytes: number | undefined;
}

/**
 * Makes the job's slice, and within it one for each service, before any container is in them.
 * @param socket of the Podman service: its owner's systemd makes the slice.
 * @throws BulkheadError `sandbox-start-failed` when this host should be able to, but systemd refuses.
 */
export async function makeJobSlice(
  socket: string,
  jobKey: string,
  limits: SliceLimits,
  { indices, memoryBytes }: ServiceSlices,
): Promise<JobSlice> {
  const manager = await userManager(socket);
  if (manager.state === 'unavailable') return manager;
  try {
    await createSlice(manager, jobKey, limits);
    if (memoryBytes !== undefined) {
      await allDone(indices.map((index) => createServiceSlice(manager, jobKey, index, memoryBytes)));
    }
  } catch (cause) {
    throw new BulkheadError(
      'sandbox-start-failed',
      `systemd does not make the slice for the job's limits: ${(cause as Error).message}`,
      `Look at the journal of the user ${manager.uid}; retry the job.`,
      { cause },
    );
  }
  const limited = memoryBytes === undefined ? [] : indices;
  const services = new Map(limited.map((index) => [index, serviceSliceName(jobKey, index)]));
  return { state: 'made', name: sliceName(jobKey), services };
}

/** Removes the job's slice, those of its services, and whatever is still in them. @throws BulkheadError `cleanup-incomplete`. */
export async function removeJobSlice(socket: string, jobKey: string): Promise<void> {
  const manager = await userManager(socket);
  if (manager.state === 'unavailable') return;
  try {
    await removeSlice(manager, jobKey);
  } catch (cause) {
    throw new BulkheadError(
      'cleanup-incomplete',
      `the slice ${sliceName(jobKey)} is left: ${(cause as Error).message}`,
      `Stop it as the user ${manager.uid}: systemctl --user stop ${sliceName(jobKey)}`,
      { cause },
    );
  }
}
