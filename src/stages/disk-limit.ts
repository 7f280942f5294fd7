import { BulkheadError, toBulkheadError } from '../errors.ts';
import { type DiskPlaces, diskUsage, filesystemUsage } from '../host/disk-usage.ts';
import { watchDisk } from '../host/disk-watch.ts';
import type { Podman } from '../podman/client.ts';
import { findDiskPlaces } from '../podman/job-disk.ts';
import { formatSize } from '../policy/units.ts';
import { describeBytes } from '../runner/describe-bytes.ts';
import { escapeForeign, logLine } from '../runner/job-log.ts';

/**
 * Watches what the job holds on disk while a stage runs.
 * @param limit bytes; null watches nothing.
 * @param rule who set the limit, as the job's author may read it.
 * @param end called once, with a BulkheadError `limit-disk-exceeded`.
 * @returns a function that ends the watch, and takes a last look.
 */
export function watchJobDisk(
  podman: Podman,
  jobKey: string,
  limit: number | null,
  rule: string,
  end: (error: BulkheadError) => void,
): () => Promise<void> {
  if (limit === null) return async () => {};
  let found: Promise<DiskPlaces> | undefined;
  // Asked when the first look is due: most stages end sooner. What could not be found is looked for again.
  const places = () => {
    found ??= findDiskPlaces(podman, jobKey).catch((error) => {
      found = undefined;
      throw error;
    });
    return found;
  };
  return watchDisk({
    limit,
    measure: async () => diskUsage(await places()),
    glance: async () => filesystemUsage(await places()),
    onExceeded: (bytes) => end(diskLimitError(bytes, limit, rule)),
    onBlind: (error) => {
      const why = escapeForeign(toBulkheadError(error).message);
      logLine(`bulkhead: WARNING: limits.disk of ${rule} is not watched: ${why}`, 'stderr').catch(() => {});
    },
  });
}

function diskLimitError(bytes: number, limit: number, rule: string): BulkheadError {
  return new BulkheadError(
    'limit-disk-exceeded',
    `the job holds ${describeBytes(bytes)} on disk, and limits.disk of ${rule} is ${formatSize(limit)}`,
    'Keep less in /builds, the cache and the folders of the image. Or ask the operator for a higher limit.',
  );
}
