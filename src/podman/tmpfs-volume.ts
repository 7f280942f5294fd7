import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';

/** AT_PAGESZ of getauxval(3). */
const pageSizeEntry = 6n;
/** A file needs at least a page, unless it is empty: then it costs the kernel's memory, which no size of a tmpfs bounds. */
const smallestFile = 4096;

/**
 * DriverOpts of a volume in memory that holds at most `bytes`, rounded down to pages, and no more files than such a volume
 * could have of 4 KiB each. In blocks, not as `size=`: Podman before 4.4 takes that word for a demand for a project quota,
 * and refuses it. The mode is the root folder's: what is put in before a sandbox mounts the volume is lost.
 */
export function tmpfsVolumeOptions(bytes: number, pageSize: number): Record<'type' | 'device' | 'o', string> {
  // The kernel takes 0 for "no bound".
  const blocks = Math.max(1, Math.floor(bytes / pageSize));
  const files = Math.max(16, Math.floor(bytes / smallestFile));
  return { type: 'tmpfs', device: 'tmpfs', o: `nr_blocks=${blocks},nr_inodes=${files},mode=0777,nosuid,nodev` };
}

/** The size of a memory page in bytes, which is the size of a block of a tmpfs. Node has no call for it. */
export async function pageSize(file = '/proc/self/auxv'): Promise<number> {
  const vector = await readFile(file);
  const word = (at: number) => (endianness() === 'LE' ? vector.readBigUInt64LE(at) : vector.readBigUInt64BE(at));
  for (let at = 0; at + 16 <= vector.length; at += 16) if (word(at) === pageSizeEntry) return Number(word(at + 8));
  throw new Error(`${file} does not tell the page size`);
}
