import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { escapeForeign } from '../runner/job-log.ts';
import { git, isInRepository } from './git.ts';

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
 * @throws BulkheadError `working-tree-unusable`, also when Git cannot tell: what it would ignore may be secret.
 */
export async function listTree(folder: string): Promise<Tree> {
  const fromGit = await isInRepository(folder);
  const paths = fromGit ? await listByGit(folder) : await walk(folder);
  const entries: TreeEntry[] = [];
  const leftOut: { path: string; why: string }[] = [];
  const look = new Look(folder);
  for (const path of paths.filter((one) => one !== '' && !never.test(one))) {
    const found = path.includes('\ufffd') ? 'its name is no UTF-8' : await look.at(path);
    if (typeof found === 'string') leftOut.push({ path, why: found });
    else if (found !== undefined) entries.push(found);
  }
  if (entries.length > maxFiles) throw unusable(`${entries.length} files are more than ${maxFiles}`);
  const ask = async (...args: string[]) =>
    fromGit
      ? await git(folder, ...args).then(
          (answer) => answer.trim(),
          () => undefined,
        )
      : undefined;
  const sha = await ask('rev-parse', '--verify', '--quiet', 'HEAD');
  const branch = await ask('symbolic-ref', '--short', '--quiet', 'HEAD');
  return { folder, entries, fromGit, leftOut, branch, sha };
}

export function unusable(
  why: string,
  hint = 'Name in .gitignore what the job does not need, or run this in the folder of the project.',
): BulkheadError {
  return new BulkheadError('working-tree-unusable', `the working tree cannot be sent: ${why}`, hint);
}

/** Of a file or folder that the user who calls may not read, or that went meanwhile. */
export function unreadable(path: string, cause: unknown): BulkheadError {
  return unusable(`${escapeForeign(path)} cannot be read: ${(cause as Error).message}`);
}

async function listByGit(folder: string): Promise<string[]> {
  try {
    const listed = await git(folder, 'ls-files', '-z', '--cached', '--others', '--exclude-standard');
    return [...new Set(listed.split('\0'))];
  } catch (error) {
    throw unusable(
      `Git cannot tell what belongs to it: ${escapeForeign((error as Error).message, 1000)}`,
      'Make "git status" work in it. Without Git, what .gitignore names would be sent as well.',
    );
  }
}

/** Looks at things of a folder, and at the folders that they are in, once each. */
class Look {
  readonly #folder: string;
  readonly #links = new Map<string, Promise<boolean>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A reason when the job cannot have it; undefined for what is gone, or is a submodule's folder, which Git lists as well. */
  async at(path: string): Promise<TreeEntry | string | undefined> {
    if (await this.#isBehindLink(dirname(path))) return 'a link leads to it';
    const found = await lstat(join(this.#folder, path)).catch(() => undefined);
    if (found === undefined) return undefined;
    if (found.isDirectory()) return 'a Git repository of its own';
    if (found.isSymbolicLink()) return { path, type: 'symlink', executable: false };
    if (!found.isFile()) return 'neither file, folder nor link';
    return { path, type: 'file', executable: (found.mode & 0o111) !== 0 };
  }

  /** Git lists what it tracks even when a folder of its way has become a link; and links are not followed. */
  #isBehindLink(folder: string): Promise<boolean> {
    if (folder === '.') return Promise.resolve(false);
    const known = this.#links.get(folder) ?? this.#look(folder);
    this.#links.set(folder, known);
    return known;
  }

  async #look(folder: string): Promise<boolean> {
    if (await this.#isBehindLink(dirname(folder))) return true;
    return (await lstat(join(this.#folder, folder)).catch(() => undefined))?.isSymbolicLink() ?? false;
  }
}

/** Every file and link below the folder; links are not followed. A repository of its own is named, and what is in it not. */
async function walk(folder: string, below = ''): Promise<string[]> {
  const paths: string[] = [];
  const found = await readdir(join(folder, below), { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(below, error);
  });
  if (below !== '' && found.some(({ name }) => name === '.git')) return [below];
  for (const entry of found) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (never.test(path)) continue;
    if (entry.isDirectory()) paths.push(...(await walk(folder, path)));
    else paths.push(path);
    if (paths.length > maxFiles) throw unusable(`there are more than ${maxFiles} files`);
  }
  return paths;
}
