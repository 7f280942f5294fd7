import { stat } from 'node:fs/promises';
import { BulkheadError, toBulkheadError } from '../errors.ts';
import { type Podman, request, statusCode } from '../podman/client.ts';
import { type CacheTier, cacheName, labelKeys } from '../sandbox/names.ts';
import { formatTime } from './verdict.ts';

export interface CacheOutcome {
  readonly name: string;
  /** Unix time in seconds of the last `prepare` of a job that uses it; undefined when it cannot be told. */
  readonly lastUse: number | undefined;
  readonly action: 'kept' | 'found' | 'removed' | 'gone' | 'incomplete';
  readonly text: string;
  readonly error?: BulkheadError;
}

/** The part of a volume, as Podman lists it, that counts here. */
export interface CacheVolume {
  readonly Name: string;
  readonly Mountpoint: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/**
 * Removes the caches that no job used for `olderThan` seconds. Podman does not know when a volume was used last. But each
 * `prepare` sets the mode of the volume's root folder, and the kernel notes that as the folder's change time (ctime). A job
 * can make that now, and nothing else: unlike the modification time, no call sets it.
 * @throws BulkheadError when Podman cannot be asked what there is.
 */
export async function removeCaches(podman: Podman, olderThan: number, dryRun: boolean): Promise<CacheOutcome[]> {
  const filters = { label: [labelKeys.cacheProject] };
  const { Volumes } = await request('list caches', podman.listVolumes({ filters }));
  const outcomes: CacheOutcome[] = [];
  // Podman lists them in no order of its own.
  const byName = (Volumes ?? []).sort((a, b) => a.Name.localeCompare(b.Name));
  for (const volume of byName) outcomes.push(await removeCache(podman, volume, olderThan, dryRun));
  return outcomes;
}

async function removeCache(
  podman: Podman,
  volume: CacheVolume,
  olderThan: number,
  dryRun: boolean,
): Promise<CacheOutcome> {
  const name = volume.Name;
  if (!isCache(volume)) return { name, lastUse: undefined, action: 'kept', text: 'its name does not fit its labels' };
  // Just before it is removed, for a job may come to use it at any time; from its create on, Podman refuses to remove it.
  const lastUse = await lastUseOf(volume.Mountpoint);
  const about = { name, lastUse };
  if (lastUse === undefined) {
    return {
      ...about,
      action: 'kept',
      text: 'when it was used last cannot be seen: run gc as root or as the user of Podman',
    };
  }
  const used = `last used ${formatTime(lastUse)}`;
  if (!(Date.now() / 1000 - lastUse > olderThan)) return { ...about, action: 'kept', text: used };
  if (dryRun) return { ...about, action: 'found', text: used };
  try {
    await request('remove cache', podman.getVolume(name).remove());
    return { ...about, action: 'removed', text: used };
  } catch (error) {
    if (statusCode(error) === 404) return { ...about, action: 'gone', text: used };
    if (statusCode(error) === 409) return { ...about, action: 'kept', text: 'a container uses it' };
    return { ...about, action: 'incomplete', text: used, error: left(name, error) };
  }
}

/** Name and labels say the same: labels alone could be anybody's volume. */
export function isCache({ Name, Labels }: CacheVolume): boolean {
  const {
    [labelKeys.instance]: instance = '',
    [labelKeys.cacheProject]: projectId = '',
    [labelKeys.cacheTier]: tier = '',
  } = Labels ?? {};
  return Name === cacheName({ instance, projectId }, tier as CacheTier);
}

async function lastUseOf(folder: string): Promise<number | undefined> {
  return await stat(folder).then(
    ({ ctimeMs }) => ctimeMs / 1000,
    () => undefined,
  );
}

function left(name: string, error: unknown): BulkheadError {
  return new BulkheadError(
    'cleanup-incomplete',
    `the cache ${name} is left: ${toBulkheadError(error).message}`,
    "Look at the Podman service's log; then run bulkhead gc again.",
    { cause: error },
  );
}
