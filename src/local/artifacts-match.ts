import { compileGlob, type Path, pathOf } from './glob.ts';
import type { Work } from './glob-sequence.ts';

/** What `artifacts:` says of files. */
export interface ArtifactRules {
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly untracked: boolean;
}

type Matcher = (path: Path) => boolean;

const mostGlobs = 256;
/** Some seconds at most, in which nothing else happens, Ctrl-C included. */
const mostComparisons = 2 ** 27;

/**
 * The files of the project's folder that are artifacts. As with GitLab Runner a path may be a glob, and a folder stands for
 * all that is in it; what is excluded is named file by file.
 * @param files relative to the project's folder.
 * @param sent whether a file came with the sources, so is tracked.
 * @throws Error when a glob is none, or there is too much to compare.
 */
export function matchArtifacts(
  files: readonly string[],
  rules: ArtifactRules,
  sent: ReadonlySet<string>,
  comparisons = mostComparisons,
): string[] {
  const { wanted, unwanted } = compileRules(rules, { left: comparisons });
  return files.filter((file) => {
    const path = pathOf(file);
    const isNamed = (rules.untracked && !sent.has(file)) || wanted.some((matches) => matches(path));
    return isNamed && !unwanted.some((matches) => matches(path));
  });
}

/** @throws Error when a glob is none, or there are too many. */
export function checkRules(rules: ArtifactRules): void {
  compileRules(rules, { left: 0 });
}

function compileRules({ paths, exclude }: ArtifactRules, work: Work): Record<'wanted' | 'unwanted', Matcher[]> {
  if (paths.length + exclude.length > mostGlobs) throw new Error(`there are more than ${mostGlobs} paths and excludes`);
  return {
    wanted: paths.map((glob) => compileGlob(glob, true, work)),
    unwanted: exclude.map((glob) => compileGlob(glob, false, work)),
  };
}
