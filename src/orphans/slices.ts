import { BulkheadError } from '../errors.ts';
import { removeSlice, sliceName } from '../host/slice.ts';
import { type UserManager, userManager } from '../host/user-manager.ts';

export interface SliceOutcome {
  readonly name: string;
  readonly action: 'found' | 'removed' | 'incomplete';
  readonly error?: BulkheadError;
}

/** No prepare takes that long, from making its slice to making what is in it. */
const longestPrepareSeconds = 24 * 3600;

/**
 * The job keys of slices that have been there for more than a day: asked before the objects are listed, so that one without
 * any then is one whose job is over. A slice carries no labels, and prepare makes it first of all; it may be alone for as long
 * as an image takes to be pulled.
 * @param socket of the Podman service, whose owner's systemd has the slices.
 */
export async function oldSlices(socket: string): Promise<string[]> {
  const manager = await userManager(socket);
  return manager.state === 'available' ? await oldSlicesOf(manager, Number(process.hrtime.bigint() / 1000n)) : [];
}

/** @param nowMicroseconds of the monotonic clock, which systemd and Node share. */
export async function oldSlicesOf(manager: UserManager, nowMicroseconds: number): Promise<string[]> {
  const list = await manager.run(
    'systemctl',
    'list-units',
    '--type=slice',
    '--plain',
    '--no-legend',
    'bulkhead-job*.slice',
  );
  const names = list
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((name) => /^bulkhead-job[0-9a-z_]+\.slice$/.test(name));
  const old: string[] = [];
  for (const name of names) {
    const shown = await manager.run('systemctl', 'show', '--property=ActiveEnterTimestampMonotonic', name);
    const since = Number(/^ActiveEnterTimestampMonotonic=(\d+)$/m.exec(shown)?.[1] ?? 0);
    if (since > 0 && nowMicroseconds - since > longestPrepareSeconds * 1e6) old.push(keyOf(name));
  }
  return old;
}

/** The reverse of sliceName: keys hold no underscore. */
function keyOf(name: string): string {
  return name.slice('bulkhead-job'.length, -'.slice'.length).replaceAll('_', '-');
}

/**
 * Removes those of the slices whose job has no object any more, with whatever still runs in them.
 * @param jobKeys of all objects that were listed after the slices.
 */
export async function removeLoneSlices(
  socket: string,
  slices: readonly string[],
  jobKeys: ReadonlySet<string>,
  dryRun: boolean,
): Promise<SliceOutcome[]> {
  const lone = slices.filter((key) => !jobKeys.has(key));
  if (lone.length === 0) return [];
  const manager = await userManager(socket);
  if (manager.state === 'unavailable') return [];
  const outcomes: SliceOutcome[] = [];
  for (const key of lone) {
    const name = sliceName(key);
    if (dryRun) {
      outcomes.push({ name, action: 'found' });
      continue;
    }
    try {
      if (await removeSlice(manager, key)) outcomes.push({ name, action: 'removed' });
    } catch (error) {
      outcomes.push({ name, action: 'incomplete', error: left(manager, name, error as Error) });
    }
  }
  return outcomes;
}

function left(manager: UserManager, name: string, cause: Error): BulkheadError {
  return new BulkheadError(
    'cleanup-incomplete',
    `the slice ${name} is left: ${cause.message}`,
    `Stop it as the user ${manager.uid}: systemctl --user stop ${name}`,
    { cause },
  );
}
