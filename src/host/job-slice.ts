import { BulkheadError } from '../errors.ts';
import { createSlice, removeSlice, type SliceLimits, sliceName } from './slice.ts';
import { type Unavailable, userManager } from './user-manager.ts';

/** The systemd slice that holds all sandboxes of a job to its limits, or why this host has none to give. */
export type JobSlice = { readonly state: 'made'; readonly name: string } | Unavailable;

/**
 * Makes the job's slice before any container is in it.
 * @param socket of the Podman service: its owner's systemd makes the slice.
 * @throws BulkheadError `sandbox-start-failed` when this host should be able to, but systemd refuses.
 */
export async function makeJobSlice(socket: string, jobKey: string, limits: SliceLimits): Promise<JobSlice> {
  const manager = await userManager(socket);
  if (manager.state === 'unavailable') return manager;
  try {
    await createSlice(manager, jobKey, limits);
  } catch (cause) {
    throw new BulkheadError(
      'sandbox-start-failed',
      `systemd does not make the slice for the job's limits: ${(cause as Error).message}`,
      `Look at the journal of the user ${manager.uid}; retry the job.`,
      { cause },
    );
  }
  return { state: 'made', name: sliceName(jobKey) };
}

/** Removes the job's slice, and whatever is still in it. @throws BulkheadError `cleanup-incomplete`. */
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
