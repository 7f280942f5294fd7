import { posix } from 'node:path';
import { expand, type Variable } from '../player/variables.ts';
import type { ArtifactRules } from './artifacts-match.ts';
import { leadsOut } from './extract.ts';

/**
 * The rules with the job's variables in their paths (`$NAME`, `${NAME}`), relative to the project's folder, as
 * `gitlab-runner artifacts-uploader` takes them: what is empty names nothing.
 * @returns also the paths that lead out of that folder, of which nothing is taken.
 */
export function expandPaths(
  { paths, exclude, untracked }: ArtifactRules,
  variables: readonly Variable[],
  projectDir: string,
): { readonly rules: ArtifactRules; readonly outside: readonly string[] } {
  const expanded = (list: readonly string[]) =>
    list.map((path) => relativeTo(projectDir, expand(path, variables))).filter((path) => path !== '');
  const wanted = expanded(paths);
  return {
    rules: { paths: wanted.filter(isInside), exclude: expanded(exclude).filter(isInside), untracked },
    outside: wanted.filter((path) => !isInside(path)),
  };
}

function relativeTo(folder: string, path: string): string {
  if (path === folder) return '.';
  return path.startsWith(`${folder}/`) ? path.slice(folder.length).replace(/^\/+/, '') || '.' : path;
}

function isInside(path: string): boolean {
  return !posix.isAbsolute(path) && !leadsOut(path);
}
