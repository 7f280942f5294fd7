import { posix } from 'node:path';

/** What `artifacts:` says of files. */
export interface ArtifactRules {
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly untracked: boolean;
}

/**
 * The files of the project's folder that are artifacts. As with gitlab-runner a path may be a glob, and a folder stands for
 * all that is in it.
 * @param files relative to the project's folder.
 * @param sent whether a file came with the sources, so is tracked.
 */
export function matchArtifacts(
  files: readonly string[],
  { paths, exclude, untracked }: ArtifactRules,
  sent: ReadonlySet<string>,
): string[] {
  const wanted = paths.map(normal);
  const unwanted = exclude.map(normal);
  return files.filter((file) => {
    const named = wanted.some((pattern) => partsOf(file).some((part) => matches(part, pattern)));
    return (named || (untracked && !sent.has(file))) && !unwanted.some((pattern) => matches(file, pattern));
  });
}

/** A file, and the folders that it is in. */
function partsOf(file: string): string[] {
  const names = file.split('/');
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

function normal(pattern: string): string {
  return posix.normalize(pattern).replace(/\/$/, '') || '.';
}

function matches(path: string, pattern: string): boolean {
  return pattern === '.' || path === pattern || posix.matchesGlob(path, pattern);
}
