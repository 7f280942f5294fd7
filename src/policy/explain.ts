import { failedCondition, type JobFacts } from './assignment.ts';
import type { Document } from './document.ts';
import type { Assignments } from './load.ts';
import { merge, type SetValue } from './merge.ts';
import type { Policy } from './policy.ts';
import type { Assignment, Match } from './schema.ts';

/** What became of one assignment for a job. */
export interface AssignmentVerdict {
  /** From 1, as people count. */
  readonly number: number;
  readonly file: string;
  readonly line: number;
  readonly policy: string;
  readonly description: string | undefined;
  /** `late`: its conditions hold, but an earlier one won. */
  readonly verdict: 'won' | 'failed' | 'late';
  readonly conditions: readonly Condition[];
}

export interface Condition {
  readonly name: keyof Match;
  /** What the assignment wants. */
  readonly wanted: NonNullable<Match[keyof Match]>;
  /** What GitLab, or the operator's configuration, says; null when they do not. */
  readonly fact: string | number | boolean | null;
  readonly holds: boolean;
}

/** Where a setting comes from. */
export interface ExplainedSetting extends SetValue {
  /** What it replaced, the nearest ancestor's first. */
  readonly overrides: readonly SetValue[];
}

/** Why a job gets the policy that it gets. Pure. */
export function explainAssignments({ document, list }: Assignments, facts: JobFacts): AssignmentVerdict[] {
  let isDecided = false;
  return list.map(({ match, policy, description }, index) => {
    const conditions = explainConditions(match, facts);
    const holds = conditions.every((condition) => condition.holds);
    const verdict = !holds ? 'failed' : isDecided ? 'late' : 'won';
    isDecided ||= holds;
    const line = document.line(['assignments', index]);
    return { number: index + 1, file: document.name, line, policy, description, verdict, conditions };
  });
}

function explainConditions(match: Assignment['match'], facts: JobFacts): Condition[] {
  const known: Record<keyof Match, string | number | boolean | undefined> = { ...facts, project: facts.projectPath };
  return (Object.keys(match) as (keyof Match)[]).flatMap((name) => {
    const wanted = match[name];
    if (wanted === undefined) return [];
    const holds = failedCondition({ [name]: wanted }, facts) === undefined;
    return [{ name, wanted, fact: known[name] ?? null, holds }];
  });
}

/**
 * Every setting of a policy, with the place that set it and all that this place replaced. Pure.
 * @param documents the files of the policy.
 */
export function explainSettings(policy: Policy, documents: readonly Document[]): ExplainedSetting[] {
  const chain = policy.files.flatMap((file) => documents.find(({ name }) => name === file) ?? []);
  // What each ancestor, with all that it extends, came to: the outermost first.
  const steps = chain.map((_, index) => merge(chain.slice(0, index + 1)));
  return [...(steps.at(-1)?.origins ?? [])].map(([path, setting]) => {
    const history = steps.flatMap((step) => step.origins.get(path) ?? []);
    const overrides = history.filter(({ file }, index) => file !== history[index + 1]?.file).slice(0, -1);
    return { ...setting, overrides: overrides.reverse() };
  });
}
