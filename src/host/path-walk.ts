import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** One thing that a path leads through. */
export interface Step {
  /** Absolute and without links above it. */
  readonly path: string;
  readonly status: Stats;
  /** Where it points, when it is a symbolic link. */
  readonly target: string | undefined;
}

export interface Walk {
  /** Every folder and every link on the way, from / on; the end, too, when it is a folder. */
  readonly passed: readonly Step[];
  /** What the path names, its links followed. */
  readonly end: Step;
}

/** Where the kernel gives up, too (MAXSYMLINKS). */
const linkLimit = 40;

/**
 * Goes a path by hand, as the kernel would, and notes every folder and link that it leads through: the folder that holds
 * a link as well as those above what it points to. undefined when there is nothing at its end.
 * @throws the errors of lstat(2), such as EACCES; ELOOP.
 */
export function walkPath(path: string): Walk | undefined {
  // Not path.resolve(): it takes away `..` together with the name before, which may be a link to somewhere else.
  const pending = (isAbsolute(path) ? path : `${process.cwd()}/${path}`).split('/').reverse();
  const root = look('/');
  if (root === undefined) return undefined;
  const passed = [root];
  let here = root;
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue;
    if (!here.status.isDirectory()) return undefined;
    const next = look(join(here.path, name));
    if (next === undefined) return undefined;
    if (next.target === undefined) {
      if (next.status.isDirectory()) passed.push(next);
      here = next;
      continue;
    }
    passed.push(next);
    if (++links > linkLimit) throw Object.assign(new Error(`more than ${linkLimit} links`), { code: 'ELOOP' });
    if (isAbsolute(next.target)) here = root;
    pending.push(...next.target.split('/').reverse());
  }
  return { passed, end: here };
}

/** One lstat per folder and link in the life of the process: many files lie in the same few folders. */
const known = new Map<string, Step>();

function look(path: string): Step | undefined {
  const seen = known.get(path);
  if (seen !== undefined) return seen;
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  const step = { path, status, target: status.isSymbolicLink() ? readlinkSync(path) : undefined };
  if (status.isDirectory() || status.isSymbolicLink()) known.set(path, step);
  return step;
}
