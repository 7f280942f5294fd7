import { lstat, mkdir, open, rm, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';

export interface ExtractLimits {
  readonly bytes: number;
  readonly entries: number;
}
export const extractLimits: ExtractLimits = { bytes: 2 * 1024 ** 3, entries: 100_000 };
const mostLevels = 256;

export interface Extracted {
  /** Relative to the folder. */
  readonly written: readonly string[];
  /** Of the entries that were not written, and why. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
  readonly bytes: number;
}

/**
 * Unpacks a tar stream that a job made into a folder that is empty and nobody else's. Files, folders, and links that stay
 * inside; nothing else, nothing above, nothing twice.
 * @throws Error when the archive is broken, goes beyond the limits, or cannot be written. No file is left half-written.
 */
export async function extractInto(archive: Readable, folder: string, limits = extractLimits): Promise<Extracted> {
  const written: string[] = [];
  const refused: { name: string; why: string }[] = [];
  let [bytes, count] = [0, 0];
  const entries = extract();
  archive.on('error', (error) => entries.destroy(error));
  // An entry does not hear of it when its archive ends too early.
  const broken = new AbortController();
  entries.on('error', (error) => broken.abort(error));
  archive.pipe(entries);
  for await (const entry of entries) {
    const { name, type, size = 0 } = entry.header;
    if (++count > limits.entries) throw new Error(`the artifacts are more than ${limits.entries} files`);
    const why = refusal(entry.header);
    if (why !== undefined) {
      refused.push({ name, why });
      entry.resume();
      continue;
    }
    const path = posix.normalize(name).replace(/\/$/, '');
    const target = join(folder, path);
    bytes += size;
    if (bytes > limits.bytes) throw new Error(`the artifacts are larger than ${limits.bytes} bytes`);
    try {
      await requireFolders(folder, path);
      if (type === 'symlink') await symlink(entry.header.linkname ?? '', target);
      else if (type === 'directory') await mkdir(target).catch(unlessThere);
      else {
        const mode = ((entry.header.mode ?? 0) & 0o111) === 0 ? 0o644 : 0o755;
        await writeFile(entry as unknown as Readable, target, mode, broken.signal);
      }
      if (type !== 'directory') written.push(path);
    } catch (error) {
      broken.signal.throwIfAborted();
      const reason = refusalOf(error as NodeJS.ErrnoException);
      if (reason === undefined) throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
      refused.push({ name, why: reason });
    }
    entry.resume();
  }
  return { written, refused, bytes };
}

/** Why an entry is not written; undefined when nothing speaks against it. */
export function refusal({ name, type, linkname }: Header): string | undefined {
  if (posix.isAbsolute(name) || leadsOut(name) || name.includes('\0')) return 'its name leads out of the folder';
  if (posix.normalize(name).split('/').length > mostLevels) return `more than ${mostLevels} folders in each other`;
  if (type === 'symlink') {
    if (!linkname || posix.isAbsolute(linkname)) return 'a link to an absolute path';
    // After any other name it would be the parent of wherever that one leads, if it is a link itself.
    if (/(?:^|\/)(?!\.\.\/)[^/]+\/+(?:.*\/)?\.\.(?:\/|$)/.test(linkname)) return 'a link with .. after a name';
    return leadsOut(posix.join(posix.dirname(name), linkname)) ? 'a link that leads out of the folder' : undefined;
  }
  return type === 'file' || type === 'directory' ? undefined : `neither file, folder nor link, but a ${type}`;
}

/** What could not be written because of the entry itself; every other reason is the host's. */
function refusalOf(error: NodeJS.ErrnoException): string | undefined {
  if (error instanceof NotAFolder) return error.message;
  if (error.code === 'EEXIST') return 'it is there twice';
  return error.code === 'ENAMETOOLONG' ? 'its name is too long' : undefined;
}

class NotAFolder extends Error {
  override readonly message = 'a link or a file is where its folder should be';
}

async function writeFile(content: Readable, path: string, mode: number, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await pipeline(content, file.createWriteStream(), { signal });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** Whether a relative path names something that is not below where it begins. */
export function leadsOut(path: string): boolean {
  return posix.normalize(path).split('/').includes('..');
}

/** The folders above it, made where they are missing. A link among them would lead somewhere else than the name says. */
async function requireFolders(folder: string, path: string): Promise<void> {
  const above = dirname(path);
  if (above === '.') return;
  await requireFolders(folder, above);
  const place = join(folder, above);
  await mkdir(place).catch(unlessThere);
  if (!(await lstat(place)).isDirectory()) throw new NotAFolder();
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
