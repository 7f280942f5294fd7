import { BulkheadError } from '../errors.ts';
import type { JsonPath } from './json-path.ts';
import type { Origin } from './merge.ts';
import { PolicyInvalid, type Problem } from './problem.ts';

export const levels = ['error', 'warning', 'info'] as const;
/** An error makes jobs fail or a rule void; a warning is likely a mistake; info is worth knowing. */
export type Level = (typeof levels)[number];

/** Something that `bulkhead policy check` found. */
export interface Finding extends Problem {
  readonly level: Level;
  /** What to do about it. */
  readonly fix: string;
}

/** A finding before it is known where its setting stands. */
export interface SettingFinding {
  readonly level: Level;
  /** Path of the setting, or of an entry of it. */
  readonly at: JsonPath;
  readonly message: string;
  readonly fix: string;
}

/** Thrown where a file cannot be used at all. */
export class Unusable extends Error {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(findings[0]?.message);
    this.findings = findings;
  }
}

/**
 * Findings for an error that looking at a file ended with.
 * @param at the place, for errors that name none.
 * @throws what is no mistake of the operator's.
 */
export function findingsOf(error: unknown, at: Origin): readonly Finding[] {
  if (error instanceof Unusable) return error.findings;
  if (error instanceof PolicyInvalid) {
    return error.problems.map((problem) => ({ ...problem, level: 'error', fix: 'Correct it; see docs/policies.md.' }));
  }
  if (!(error instanceof BulkheadError) || error.blame !== 'operator') throw error;
  return [{ ...at, level: 'error', message: error.message, fix: error.hint }];
}

/** The same once, in the order of files and lines. Several policies can inherit one and the same mistake. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const seen = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
  return [...seen.values()].sort((a, b) => compare(a.file, b.file) || a.line - b.line || compare(a.path, b.path));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
