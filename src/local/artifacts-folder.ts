import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BulkheadError } from '../errors.ts';

const ours = '.bulkhead/artifacts';

/**
 * The folder for artifacts, absolute; nothing is made yet. One that is named must be empty, since nothing is overwritten; our own is.
 * @throws BulkheadError `artifacts-unusable`.
 */
export async function chooseArtifactsFolder(project: string, named: string | undefined): Promise<string> {
  const path = named === undefined ? join(project, ours) : resolve(project, named);
  const place = named === undefined ? dirname(path) : path;
  const found = await lstat(place).catch(() => undefined);
  // The project may have brought a link: what is removed below would be something else.
  if (found && !found.isDirectory())
    throw unusable(`${place} is no folder`, 'Remove it, or name another folder with --artifacts.');
  if (named !== undefined && found && (await readdir(path)).length > 0) {
    throw unusable(`${path} is not empty`, 'Name an empty folder, or one that does not exist.');
  }
  return path;
}

/**
 * Removes what an earlier run left in the folder of our own: the next one may leave nothing.
 * @throws BulkheadError `artifacts-unusable`.
 */
export async function emptyArtifactsFolder(project: string, path: string): Promise<void> {
  await removeOurs(project, path).catch((error: Error) => {
    throw unusable(error.message, `Remove ${path}, or name another folder with --artifacts.`, error);
  });
}

/** Makes it, empty. */
export async function makeArtifactsFolder(project: string, path: string): Promise<void> {
  await removeOurs(project, path);
  await mkdir(path, { recursive: true });
}

async function removeOurs(project: string, path: string): Promise<void> {
  if (path === join(project, ours)) await rm(path, { recursive: true, force: true });
}

export function unusable(why: string, fix: string, cause?: unknown): BulkheadError {
  return new BulkheadError('artifacts-unusable', `the artifacts cannot be kept: ${why}`, fix, { cause });
}
