import { compileGlob } from './glob.ts';
import type { Assignment, Match } from './schema.ts';

/** What assignments may look at: set by GitLab's server or by the operator, never by the job's author. */
export interface JobFacts {
  /** Full path of the project; undefined before GitLab sent it. */
  readonly projectPath: string | undefined;
  readonly projectId: number;
  readonly namespaceId: number | undefined;
  readonly userId: number | undefined;
  /** False also when GitLab does not say (before 18.3). */
  readonly protected: boolean;
  /** `runner` of the configuration. */
  readonly runner: string | undefined;
}

/** Index of the first assignment whose conditions all hold, or -1. A fact that is not known fulfils no condition. */
export function findAssignment(assignments: readonly Assignment[], facts: JobFacts): number {
  return assignments.findIndex(({ match }) => failedCondition(match, facts) === undefined);
}

/** The first condition that does not hold, for explanations. */
export function failedCondition(match: Match, facts: JobFacts): keyof Match | undefined {
  const conditions = {
    // GitLab keeps paths apart without regard to case, so no second project can differ in case only.
    project: globs(match.project, facts.projectPath, true),
    projectId: oneOf(match.projectId, facts.projectId),
    namespaceId: oneOf(match.namespaceId, facts.namespaceId),
    userId: oneOf(match.userId, facts.userId),
    protected: match.protected === undefined || match.protected === facts.protected,
    runner: globs(match.runner, facts.runner, false),
  } satisfies Record<keyof Match, boolean>;
  return (Object.keys(conditions) as (keyof Match)[]).find((name) => !conditions[name]);
}

function list<T>(condition: T | readonly T[]): readonly T[] {
  return Array.isArray(condition) ? condition : [condition as T];
}

function oneOf(condition: number | readonly number[] | undefined, fact: number | undefined): boolean {
  return condition === undefined || (fact !== undefined && list(condition).includes(fact));
}

function globs(
  condition: string | readonly string[] | undefined,
  fact: string | undefined,
  ignoreCase: boolean,
): boolean {
  if (condition === undefined) return true;
  return fact !== undefined && list(condition).some((glob) => compileGlob(glob, ignoreCase)(fact));
}
