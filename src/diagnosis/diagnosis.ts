import type { Blame } from '../errors.ts';
import { escapeForeign } from '../runner/job-log.ts';
import type { Symptom } from './symptom.ts';

/**
 * How much a finding is worth: `sure` is what the driver wrote down, or what Podman says now; `likely` is a line that only the driver
 * or GitLab Runner can have written, or that fits how the job ended; `possible` is one that the job can have written itself.
 */
export type Certainty = 'sure' | 'likely' | 'possible';

export const certainties: readonly Certainty[] = ['sure', 'likely', 'possible'];

export interface Finding {
  readonly symptom: Symptom;
  readonly certainty: Certainty;
  /** Whether it can be why the job ended as it did; others are seen beside that. */
  readonly decisive: boolean;
  readonly stage?: string | undefined;
  /** Of the log, from 1. */
  readonly line?: number;
  /** What was seen, as it stood there: foreign text. */
  readonly excerpt: string;
  /** How often. */
  readonly count: number;
}

/** A line that blames this host or its operator, in a log that GitLab Runner ended as the job's own failure or success. */
export interface Disbelieved {
  readonly symptom: Symptom;
  readonly line: number;
}

export type JobState = 'succeeded' | 'failed' | 'canceled' | 'running' | 'ended' | 'unknown';

export type Fault = Blame | 'nobody' | 'unknown';

export interface Diagnosis {
  /** Of what, in words. May hold foreign text. */
  readonly subject: string;
  readonly state: JobState;
  /** At which the job failed, or is. A step of it in parentheses. */
  readonly stage?: string | undefined;
  readonly fault: Fault;
  /** Best first. */
  readonly findings: readonly Finding[];
  readonly disbelieved: readonly Disbelieved[];
  /** What else is worth to know, in sentences. */
  readonly notes: readonly string[];
}

/** Best first: what is surer, what can have ended the job; then as given. */
export function rank(findings: readonly Finding[]): Finding[] {
  const weight = ({ certainty, decisive }: Finding) =>
    (decisive ? 0 : certainties.length) + certainties.indexOf(certainty);
  return findings.toSorted((a, b) => weight(a) - weight(b));
}

export function isFinding({ state, findings }: Diagnosis): boolean {
  return state === 'failed' || findings.length > 0;
}

/** Foreign text for one line of a terminal. */
export function shown(text: string): string {
  return escapeForeign(text, 300);
}
