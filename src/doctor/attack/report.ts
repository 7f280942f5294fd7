import type { Outcome, Row } from './attack.ts';
import { allControls, type Control } from './controls.ts';

/** What was attacked. */
export interface Subject {
  /** UTC. */
  readonly time: string;
  readonly bulkhead: string;
  readonly host: string;
  readonly kernel: string;
  readonly podman: string;
  readonly runtime: string;
  readonly policy: { readonly name: string; readonly hash: string };
}

export interface JudgedControl extends Omit<Control, 'untried'> {
  readonly outcome: Outcome;
  /** Ids of the rows that it was judged by. */
  readonly by: readonly string[];
  /** Of the worst of them, or why nothing was tried. */
  readonly why: string;
}

export interface AttackReport {
  readonly subject: Subject;
  readonly rows: readonly Row[];
  readonly controls: readonly JudgedControl[];
}

/** The worst first: one attack that works is enough, and one that nobody could try leaves a control unproven. */
const worst: readonly Outcome[] = ['broken', 'open', 'untried', 'held'];

export function reportOf(subject: Subject, rows: readonly Row[]): AttackReport {
  const controls = allControls().map(({ key, untried, ...control }): JudgedControl => {
    const mapped = rows.filter((row) => row.controls.some((one) => one === key));
    const outcome = worst.find((one) => mapped.some((row) => row.outcome === one));
    const deciding = mapped.find((row) => row.outcome === outcome);
    return {
      ...control,
      outcome: outcome ?? 'untried',
      by: mapped.map(({ id }) => id),
      why: deciding === undefined ? (untried ?? 'nothing tried it') : `${deciding.title}: ${deciding.evidence}`,
    };
  });
  return { subject, rows, controls };
}
