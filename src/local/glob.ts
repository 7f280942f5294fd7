import { posix } from 'node:path';
import { alternativesOf, piecesOf } from './glob-alternatives.ts';
import { nameSequence } from './glob-name.ts';
import { follows, many, type Sequence, type Work } from './glob-sequence.ts';

/** The names in a path, each as its characters. */
export type Path = readonly (readonly string[])[];

export function pathOf(file: string): Path {
  return file.split('/').map((name) => [...name]);
}

/**
 * Reads a glob as GitLab Runner does (github.com/bmatcuk/doublestar): `*`, `?`, `**` for any folders, `[a-z]`, `[!a]`, `{a,b}`,
 * `\`. A name that begins with a dot is like any other.
 * @param below whether it stands for all that is below what it names, too.
 * @param work for all comparisons.
 * @returns whether a path is one that it stands for.
 * @throws Error when it is none, or has too much in it.
 */
export function compileGlob(glob: string, below: boolean, work: Work): (path: Path) => boolean {
  const clean = posix.normalize(glob);
  const isProject = /^\.\/?$/.test(clean);
  const named = isProject ? [[]] : alternativesOf(clean).map((alternative) => pathSequence(namesIn(alternative), work));
  const wanted = named.map((sequence): Sequence<Path[number]> => (below ? [...sequence, many] : sequence));
  return (path) => wanted.some((sequence) => follows(path, sequence, work));
}

/** The pieces of each name. */
function namesIn(alternative: string): string[][] {
  const names: string[][] = [[]];
  for (const piece of piecesOf(alternative)) {
    if (piece === '/') names.push([]);
    else names.at(-1)?.push(piece);
  }
  // As in `a/`.
  if (names.length > 1 && names.at(-1)?.length === 0) names.pop();
  return names;
}

function pathSequence(names: readonly string[][], work: Work): Sequence<Path[number]> {
  const sequence: Sequence<Path[number]> = names
    .filter((name, index) => !isAnyFolder(name) || !isAnyFolder(names[index - 1]))
    .map((name) => (isAnyFolder(name) ? many : nameMatcher(name, work)));
  // What `a/**` names is in the folder a.
  return sequence.at(-1) === many ? [...sequence, () => true] : sequence;
}

function nameMatcher(pieces: readonly string[], work: Work): (name: Path[number]) => boolean {
  const characters = nameSequence(pieces, work);
  return (name) => follows(name, characters, work);
}

function isAnyFolder(name: readonly string[] | undefined): boolean {
  return name?.join('') === '**';
}
