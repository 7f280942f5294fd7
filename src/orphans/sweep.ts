import { constants } from 'node:fs';
import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../configuration.ts';
import { requireTrustedFolder } from '../host/trusted-file.ts';
import type { Podman } from '../podman/client.ts';

export interface SweepLimits {
  /** Only the first prepare in each such span of time looks. */
  readonly everySeconds?: number;
  /** After that, whatever is not done is left to the next one. */
  readonly budgetMs?: number;
  /** Jobs that one prepare removes at most. */
  readonly most?: number;
}

/** What a sweep did, for tests and whoever wants to log it. */
export interface Sweep {
  readonly looked: boolean;
  /** Jobs of which something was removed. */
  readonly removed: number;
}

const prefix = 'orphans-looked-';
const skipped: Sweep = { looked: false, removed: 0 };

/**
 * The cheap gc that runs beside prepare, so that orphans go even where nobody runs `bulkhead gc`: one list per kind of object,
 * every few minutes, by one of all prepares. Never fails, and never takes longer than its budget.
 * @param stop ends it sooner.
 */
export async function sweepOrphans(
  podman: Podman,
  configuration: Pick<Configuration, 'socket' | 'stateFolder'>,
  stop: AbortSignal,
  { everySeconds = 300, budgetMs = 5000, most = 2 }: SweepLimits = {},
): Promise<Sweep> {
  const budget = new AbortController();
  const timer = setTimeout(() => budget.abort(), budgetMs);
  const ending = AbortSignal.any([stop, budget.signal]);
  const ended = new Promise<Sweep>((resolve) => {
    const end = () => resolve({ looked: true, removed: 0 });
    if (ending.aborted) end();
    ending.addEventListener('abort', end, { once: true });
  });
  try {
    if (ending.aborted || !(await claimTurn(configuration.stateFolder, Date.now(), everySeconds))) return skipped;
    return await Promise.race([ended, sweep(podman, configuration, ending, most)]);
  } catch {
    // `bulkhead gc` says what is wrong. This job has no part in it.
    return skipped;
  } finally {
    clearTimeout(timer);
  }
}

async function sweep(
  podman: Podman,
  configuration: Pick<Configuration, 'socket' | 'stateFolder'>,
  stop: AbortSignal,
  most: number,
): Promise<Sweep> {
  // Loaded here: most prepares have no turn.
  const { removeOrphans } = await import('./remove-orphans.ts');
  const { jobs } = await removeOrphans(podman, configuration, { most, rounds: 1, stop });
  const removed = jobs.filter(({ removed }) => Object.values(removed).some((count) => count > 0));
  return { looked: true, removed: removed.length };
}

/**
 * Whether we are the one to look in this span of time: who creates the span's file is. That is atomic without a lock, which
 * Node could only take through a process of its own; and a process that dies with the turn holds nobody up but until the
 * next span.
 */
export async function claimTurn(stateFolder: string, nowMs: number, everySeconds: number): Promise<boolean> {
  const folder = requireTrustedFolder(stateFolder);
  if (folder === undefined) return false;
  const ours = `${prefix}${Math.floor(nowMs / 1000 / everySeconds)}`;
  try {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const file = await open(join(folder, ours), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  for (const name of await readdir(folder)) {
    if (name.startsWith(prefix) && name !== ours) await unlink(join(folder, name)).catch(() => {});
  }
  return true;
}
