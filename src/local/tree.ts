import { execFile } from 'node:child_process';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BulkheadError } from '../errors.ts';

/** Left where they are: results of earlier runs, and what Git keeps. */
const never = /^(?:\.bulkhead|\.git)(?:\/|$)/;
const maxFiles = 200_000;

/** One thing of the working tree that a job gets. */
export interface TreeEntry {
  /** Relative to the folder, with `/` between names; may hold any character. */
  readonly path: string;
  readonly type: 'file' | 'symlink';
  readonly executable: boolean;
}

export interface Tree {
  readonly folder: string;
  readonly entries: readonly TreeEntry[];
  /** Whether Git said what belongs to it; else it is everything that is there. */
  readonly fromGit: boolean;
  /** Of what the job does not get, beside what .gitignore names, and why. */
  readonly leftOut: readonly { readonly path: string; readonly why: string }[];
  /** undefined outside of a Git repository, or before its first commit. */
  readonly branch: string | undefined;
  readonly sha: string | undefined;
}

/**
 * What of a folder goes to the job: what Git tracks, and what it does not know and does not ignore.
 * @throws BulkheadError `working-tree-unusable`.
 */
export async function listTree(folder: string): Promise<Tree> {
  const listed = await git(folder, 'ls-files', '-z', '--cached', '--others', '--exclude-standard');
  const paths = listed === undefined ? await walk(folder) : [...new Set(listed.split('\0'))];
  const entries: TreeEntry[] = [];
  const leftOut: { path: string; why: string }[] = [];
  for (const path of paths.filter((one) => one !== '' && !never.test(one))) {
    const found = path.includes('\ufffd') ? 'its name is no UTF-8' : await entryOf(folder, path);
    if (typeof found === 'string') leftOut.push({ path, why: found });
    else if (found !== undefined) entries.push(found);
  }
  const sha = (await git(folder, 'rev-parse', '--verify', '--quiet', 'HEAD'))?.trim();
  const branch = (await git(folder, 'symbolic-ref', '--short', '--quiet', 'HEAD'))?.trim();
  if (entries.length <= maxFiles) return { folder, entries, fromGit: listed !== undefined, leftOut, branch, sha };
  throw tooMuch(`${entries.length} files are more than ${maxFiles}`);
}

export function tooMuch(why: string): BulkheadError {
  return new BulkheadError(
    'working-tree-unusable',
    `the working tree cannot be sent: ${why}`,
    'Name in .gitignore what the job does not need, or run this in the folder of the project.',
  );
}

/** A reason when the job cannot have it; undefined for what is gone, or is a submodule's folder, which Git lists as well. */
async function entryOf(folder: string, path: string): Promise<TreeEntry | string | undefined> {
  const found = await lstat(join(folder, path)).catch(() => undefined);
  if (found === undefined) return undefined;
  if (found.isDirectory()) return 'a Git repository of its own';
  if (found.isSymbolicLink()) return { path, type: 'symlink', executable: false };
  if (!found.isFile()) return 'neither file, folder nor link';
  return { path, type: 'file', executable: (found.mode & 0o111) !== 0 };
}

/** Every file and link below the folder; links are not followed. */
async function walk(folder: string, below = ''): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (never.test(path)) continue;
    if (entry.isDirectory()) paths.push(...(await walk(folder, path)));
    else paths.push(path);
    if (paths.length > maxFiles) throw tooMuch(`there are more than ${maxFiles} files`);
  }
  return paths;
}

/** What Git prints; undefined where it cannot answer. The repository's own configuration must not make it run anything. */
async function git(cwd: string, ...args: string[]): Promise<string | undefined> {
  const quiet = ['-c', 'core.fsmonitor=false', '-c', 'core.untrackedCache=false'];
  try {
    const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0' };
    return (await promisify(execFile)('git', [...quiet, ...args], { cwd, env, maxBuffer: 256 * 1024 * 1024 })).stdout;
  } catch {
    return undefined;
  }
}
