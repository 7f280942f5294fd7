import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BulkheadError } from '../errors.ts';
import { type Step, walkPath } from './path-walk.ts';
import { shellWord } from './shell-word.ts';

export interface TrustOptions {
  /** Further user ids that may own what is read and the folders above it, beside root and our own effective one. */
  readonly also?: readonly number[];
}

/**
 * Of the group, or of everybody. A write permission that a POSIX ACL gives to somebody shows here, too: a file with an ACL
 * has the ACL's mask, which bounds all it gives, in place of the group's bits.
 */
const writableByOthers = 0o022;
const sticky = 0o1000;

/**
 * The text of a file that nobody could have changed but root and our own user; undefined when there is none. Everything on
 * the way counts: each folder up to /, and each link together with the folders above it and above what it points to.
 * What is missing is missing, however open the folders are: another user could only put something there that is refused.
 * Synchronous inside, and one lstat per folder and process: a driver process starts ten times a job.
 * @throws BulkheadError `file-unsafe`: somebody else could change it, it is no regular file, or it cannot be read.
 */
export async function readTrustedFile(path: string, options: TrustOptions = {}): Promise<string | undefined> {
  const end = reach(path, options);
  if (end === undefined) return undefined;
  // Not a link any more, and in no folder of others: what is opened here is what was looked at. Without O_NONBLOCK a
  // FIFO would keep us waiting for ever.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const descriptor = existing(path, () => openSync(end.path, flags));
  if (descriptor === undefined) return undefined;
  try {
    requireTrustedFile(path, { path: end.path, status: fstatSync(descriptor) }, options);
    return existing(path, () => readFileSync(descriptor, 'utf8'));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The sorted names in a folder that nobody but root and our own user could change; undefined when there is none.
 * @throws BulkheadError `file-unsafe`, as readTrustedFile.
 */
export async function listTrustedFolder(path: string, options: TrustOptions = {}): Promise<string[] | undefined> {
  const folder = requireTrustedFolder(path, options);
  return folder === undefined ? undefined : existing(path, () => readdirSync(folder).sort());
}

/**
 * The path, its links followed, of a folder that nobody but root and our own user could change; undefined when there is
 * none. A sticky folder that others can write is no such folder, though one below it can be.
 * @throws BulkheadError `file-unsafe`, as readTrustedFile.
 */
export function requireTrustedFolder(path: string, options: TrustOptions = {}): string | undefined {
  const end = reach(path, options);
  if (end === undefined) return undefined;
  if (!end.status.isDirectory()) throw unsafe(path, 'it is not a folder', 'Put a folder there.');
  if (isOpen(end.status) || isForeign(end.status, options)) throw changeable(path, end, options);
  return end.path;
}

/**
 * The path, its links followed, of a program that nobody but root and our own user could change; undefined when there is
 * none. For what somebody else executes or reads: it is looked at by its path, not opened.
 * @throws BulkheadError `file-unsafe`, as readTrustedFile.
 */
export function requireTrustedProgram(path: string): string | undefined {
  const end = reach(path, {});
  if (end === undefined) return undefined;
  requireTrustedFile(path, end);
  return end.path;
}

/**
 * Opens a file in a folder that is trusted, neither through a link nor waiting for the other end of a FIFO.
 * @param flags of open(2), beside those.
 * @param mode of a file that is made.
 * @throws BulkheadError `file-unsafe`; the errors of open(2).
 */
export async function openTrustedFile(path: string, flags: number, mode?: number): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode);
  try {
    requireTrustedFile(path, { path, status: await file.stat() });
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * For a file that is already open, in a folder that is trusted. `path` is what the configuration calls it.
 * @throws BulkheadError `file-unsafe`.
 */
export function requireTrustedFile(path: string, file: Found, options: TrustOptions = {}): void {
  if (!file.status.isFile()) throw unsafe(path, 'it is not a regular file', 'Put a regular file there.');
  if (isOpen(file.status) || isForeign(file.status, options)) throw changeable(path, file, options);
}

type Found = Pick<Step, 'path' | 'status'>;

/** What the path leads to, when nobody else can make it lead elsewhere. */
function reach(path: string, options: TrustOptions): Step | undefined {
  const walk = existing(path, () => walkPath(path));
  for (const step of walk?.passed ?? []) {
    // In a sticky folder others can add, but not replace what is not theirs; and the next step's owner is looked at.
    const open = isOpen(step.status) && (step.status.mode & sticky) === 0;
    if (open || isForeign(step.status, options)) throw changeable(path, step, options);
  }
  return walk?.end;
}

function isOpen(status: Stats): boolean {
  // A link's own mode says nothing (always 0777); who can replace it is decided by its folder.
  return !status.isSymbolicLink() && (status.mode & writableByOthers) !== 0;
}

function isForeign(status: Stats, { also = [] }: TrustOptions): boolean {
  return status.uid !== 0 && status.uid !== process.geteuid?.() && !also.includes(status.uid);
}

/** undefined when it does not exist (any more). */
function existing<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    const hint = `Let user ${process.geteuid?.()} read it and look into the folders above it.`;
    throw unsafe(path, `it cannot be read or looked at (${message})`, hint, cause);
  }
}

/** Names the one thing that is wrong, and the command that puts it right. */
function changeable(path: string, { path: culprit, status }: Found, options: TrustOptions): BulkheadError {
  const kind = status.isDirectory() ? 'folder' : status.isSymbolicLink() ? 'link' : 'file';
  const what = culprit === path ? 'it' : `the ${kind} ${culprit}`;
  const mode = (status.mode & 0o7777).toString(8).padStart(4, '0');
  const ourselves = process.geteuid?.() || 'root';
  const commands = [
    ...(isForeign(status, options) ? [`chown ${kind === 'link' ? '-h ' : ''}${ourselves} ${shellWord(culprit)}`] : []),
    ...(isOpen(status) ? [`chmod go-w ${shellWord(culprit)}`] : []),
  ];
  return unsafe(
    path,
    `${what} could be changed by another user (owner ${status.uid}, mode ${mode})`,
    `${commands.join(' && ')}${kind === 'folder' ? '; or keep it below folders that only root can change' : ''}`,
  );
}

function unsafe(path: string, why: string, hint: string, cause?: unknown): BulkheadError {
  return new BulkheadError('file-unsafe', `${path} is not trusted: ${why}`, hint, { cause });
}
