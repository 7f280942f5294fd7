import { readEvents, readLimit } from './cgroup.ts';
import { sliceFolder } from './slice.ts';
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

/** The same for a cgroup's folder. */
export async function exceededIn(folder: string): Promise<ExceededLimit | undefined> {
  const memory = await readEvents(folder, 'memory.events');
  // The kernel also kills here when the whole host, or a slice around this one, runs out; that is not the job's fault, and
  // is counted as `oom` where memory ran out, not here.
  if (count(memory, 'oom') > 0 && count(memory, 'oom_kill') > 0) return 'memory';
  if (count(await readEvents(folder, 'pids.events'), 'max') > 0) return 'pids';
  // Kernels before 6.11 count that event in the cgroup that wanted to fork, which is gone by now; the peak stays.
  const [peak, limit] = await Promise.all([readLimit(folder, 'pids.peak'), readLimit(folder, 'pids.max')]);
  return typeof peak === 'number' && typeof limit === 'number' && peak >= limit ? 'pids' : undefined;
}

function count(events: ReadonlyMap<string, number>, name: string): number {
  return events.get(name) ?? 0;
}
