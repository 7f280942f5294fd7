import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { requireTrustedFile, requireTrustedFolder } from '../host/trusted-file.ts';

/**
 * The text of GitLab Runner's config.toml, from a file that is safe to replace.
 * @throws BulkheadError `runner-config-refused`, or `file-unsafe` when others could change it or its folder.
 */
export function readConfigToml(path: string): string {
  const status = look(path);
  if (status === undefined) throw refuse(path, 'it does not exist', 'Register a runner first, or name another file.');
  // Replacing a link or one name of several would leave the other file as it is.
  if (status.isSymbolicLink()) throw refuse(path, 'it is a link', 'Name the file that it points to.');
  if (status.nlink > 1) throw refuse(path, 'it has another name, too (a hard link)', 'Remove the other one.');
  requireTrustedFolder(dirname(path));
  requireTrustedFile(path, { path, status });
  const bytes = allowed(path, () => readFileSync(path));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse(path, 'it is not UTF-8', 'Correct it; GitLab Runner cannot read it, either.');
  }
}

function look(path: string): Stats | undefined {
  return allowed(path, () => lstatSync(path, { throwIfNoEntry: false }));
}

function allowed<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    throw refuse(path, 'it may not be read', 'Run init as the user that GitLab Runner runs as.');
  }
}

/**
 * Replaces the text of the file at once, with mode and owner as they are.
 * @param expected what it was read as: GitLab Runner itself writes the file, too.
 * @throws BulkheadError `runner-config-refused` when it has changed meanwhile, or the new text cannot be written.
 */
export function replaceConfigToml(path: string, expected: string, text: string): void {
  const { mode, uid, gid } = lstatSync(path);
  const draft = `${path}.${process.pid}.bulkhead`;
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    try {
      // Not writeSync: one write(2) that does not fit writes a part, and that is no error.
      writeFileSync(descriptor, text);
      fchownSync(descriptor, uid, gid);
      fchmodSync(descriptor, mode & 0o7777);
      fsyncSync(descriptor);
    } catch (error) {
      throw unwritten(path, (error as Error).message, error);
    } finally {
      closeSync(descriptor);
    }
    // The tokens in it are nowhere else.
    if (!readFileSync(draft).equals(Buffer.from(text))) throw unwritten(path, 'it does not read as it was written');
    if (readConfigToml(path) !== expected) throw refuse(path, 'it has changed meanwhile', 'Try again.');
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

function unwritten(path: string, why: string, cause?: unknown): BulkheadError {
  const fix = `Make space in ${dirname(path)}, or run init as the owner of the file, whichever it lacks.`;
  return refuse(path, `what should replace it cannot be written (${why})`, fix, cause);
}

function refuse(path: string, why: string, fix: string, cause?: unknown): BulkheadError {
  return new BulkheadError('runner-config-refused', `${path} stays as it is: ${why}`, fix, { cause });
}
