import { constants, createWriteStream } from 'node:fs';
import { open, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { escapeForeign } from '../runner/job-log.ts';
import { type Tree, type TreeEntry, unreadable, unusable } from './tree.ts';

export const treeLimit = 2 * 1024 ** 3;

/**
 * Writes a tree as a tar file. Links are in it as links; nothing is read through one.
 * @returns bytes of all files together.
 * @throws BulkheadError `working-tree-unusable`, also when a file changes meanwhile.
 */
export async function writeTreeArchive(tree: Tree, path: string, limit = treeLimit): Promise<number> {
  const archive = pack();
  const total = { bytes: 0 };
  const filling = fill(archive, tree, total, limit).catch((error: Error) => archive.destroy(error));
  await pipeline(Readable.from(archive, { objectMode: false }), createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  await filling;
  return total.bytes;
}

async function fill(archive: Pack, { folder, entries }: Tree, total: { bytes: number }, limit: number): Promise<void> {
  for (const entry of entries) {
    if (entry.type === 'symlink') {
      const linkname = await readable(entry.path, readlink(join(folder, entry.path)));
      archive.entry({ name: entry.path, type: 'symlink', linkname });
      continue;
    }
    total.bytes += await addFile(archive, folder, entry, limit - total.bytes);
  }
  archive.finalize();
}

async function addFile(archive: Pack, folder: string, { path, executable }: TreeEntry, room: number): Promise<number> {
  // Not through a link, and not waiting for somebody at the other end of a pipe, whatever it became since it was listed.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  await using handle = await readable(path, open(join(folder, path), flags));
  const found = await handle.stat();
  if (!found.isFile()) throw unusable(`${escapeForeign(path)} is no file any more`);
  if (found.size > room) throw unusable('its files are more than 2 GiB');
  const entry = archive.entry({ name: path, mode: executable ? 0o777 : 0o666, size: found.size, mtime: found.mtime });
  if (found.size === 0) {
    entry.end(undefined);
    return 0;
  }
  try {
    await pipeline(handle.createReadStream({ autoClose: false, end: found.size - 1 }), entry as unknown as Writable);
  } catch (error) {
    throw unusable(`${escapeForeign(path)} cannot be read whole: ${(error as Error).message}`);
  }
  return found.size;
}

async function readable<T>(path: string, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw unreadable(path, error);
  });
}
