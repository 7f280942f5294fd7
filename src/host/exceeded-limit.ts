import { readEvents, readLimit } from './cgroup.ts';
import { serviceSliceFolder, sliceFolder } from './slice.ts';
import { userManager } from './user-manager.ts';

/** A limit that, when exceeded, ends the sandbox. More processors than allowed just take longer. */
export type ExceededLimit = 'memory' | 'pids';

/**
 * Why a sandbox of the job may have died: the limit of the job's slice that it ran into, undefined when it was none. To be
 * asked once a sandbox has died: a job that met a limit and lives is none of ours. The slice remembers until cleanup.
 * @param socket of the Podman service.
 */
export async function exceededLimit(socket: string, jobKey: string): Promise<ExceededLimit | undefined> {
  const manager = await userManager(socket);
  if (manager.state === 'unavailable') return undefined;
  const folder = await sliceFolder(manager, jobKey);
  return folder === undefined ? undefined : exceededIn(folder);
}

/** Whether a service of the job, which has ended, ran into the limit of memory that is its own. */
export async function serviceMemoryExceeded(socket: string, jobKey: string, index: number): Promise<boolean> {
  const manager = await userManager(socket);
  if (manager.state === 'unavailable') return false;
  const folder = await serviceSliceFolder(manager, jobKey, index);
  return folder !== undefined && (await exceededIn(folder)) === 'memory';
}

/** The same for a cgroup's folder. */
export async function exceededIn(folder: string): Promise<ExceededLimit | undefined> {
  const [memory, own] = await Promise.all([
    readEvents(folder, 'memory.events'),
    readEvents(folder, 'memory.events.local'),
  ]);
  // The kernel also kills here when the whole host, or a slice around this one, runs out; that is not the job's fault, and
  // is counted as `oom` where memory ran out, not here. What ran out in a slice within this one, a service's, is counted
  // here as well, but not as this one's own; kernels before 5.2 do not tell.
  if (count(own.has('oom') ? own : memory, 'oom') > 0 && count(memory, 'oom_kill') > 0) return 'memory';
  if (count(await readEvents(folder, 'pids.events'), 'max') > 0) return 'pids';
  // Kernels before 6.11 count that event in the cgroup that wanted to fork, which is gone by now; the peak stays.
  const [peak, limit] = await Promise.all([readLimit(folder, 'pids.peak'), readLimit(folder, 'pids.max')]);
  return typeof peak === 'number' && typeof limit === 'number' && peak >= limit ? 'pids' : undefined;
}

function count(events: ReadonlyMap<string, number>, name: string): number {
  return events.get(name) ?? 0;
}
