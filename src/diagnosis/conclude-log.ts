import {
  type Certainty,
  type Diagnosis,
  type Disbelieved,
  type Fault,
  type Finding,
  type JobState,
  rank,
} from './diagnosis.ts';
import type { Piece } from './log-lines.ts';
import { isMaking } from './stages.ts';
import type { Symptom } from './symptom.ts';
import { symptomOf } from './symptoms/all.ts';
import { liveSymptoms } from './symptoms/live.ts';
import type { Verdict } from './verdict.ts';

/** A symptom in a log, where it was seen last. */
export interface Sighting {
  readonly symptom: Symptom;
  /** Whether nobody but GitLab Runner and the driver can have written it there. */
  readonly own: boolean;
  /** Whether it is an error of the driver's, or stands in one. */
  readonly inError: boolean;
  readonly stage: string | undefined;
  readonly line: number;
  readonly excerpt: string;
  readonly count: number;
}

/**
 * What the sightings come to. What a job can have written itself is held against GitLab Runner's last word, which it cannot: an error
 * of this host does not stand in the log of a job that GitLab Runner counts as failed by its script.
 * @param stage the last one whose failure fails a job.
 * @param last the last line of the log.
 */
export function concludeLog(
  sightings: readonly Sighting[],
  verdict: Verdict | undefined,
  stage: string | undefined,
  last: Piece | undefined,
): Diagnosis {
  const seen = [...structural(sightings, verdict, stage, last), ...sightings];
  const blames = seen.filter(
    ({ symptom, own, inError }) => inError && !own && symptom.speaker === 'driver' && symptom.blame !== 'job',
  );
  const findings: Finding[] = [];
  const disbelieved: Disbelieved[] = [];
  for (const sighting of seen) {
    const { symptom, own, line, excerpt, count } = sighting;
    const fits = !symptom.beside && (line === last?.line || fitsVerdict(symptom, verdict));
    if (!fits && !own && !symptom.beside && symptom.blame !== 'job') {
      disbelieved.push({ symptom, line });
      continue;
    }
    const certainty = weigh(sighting, fits, verdict, stage, blames.length);
    findings.push({ symptom, certainty, decisive: fits, stage: sighting.stage, line, excerpt, count });
  }
  const ranked = rank(findings);
  const first = ranked.find(({ decisive }) => decisive);
  const failed = verdict !== 'succeeded' && verdict !== undefined;
  return {
    subject: 'the job log',
    state: stateOf(verdict),
    stage:
      failed || verdict === undefined ? (first?.certainty === 'likely' ? (first.stage ?? stage) : stage) : undefined,
    fault: faultOf(verdict, first),
    findings: ranked,
    disbelieved,
    notes: notesOf(verdict, first),
  };
}

/** What shows in where the log ends. */
function structural(
  sightings: readonly Sighting[],
  verdict: Verdict | undefined,
  stage: string | undefined,
  last: Piece | undefined,
): Sighting[] {
  if (!isMaking(stage) || last === undefined) return [];
  const symptom =
    verdict === 'timeout'
      ? symptomOf('prepare-timeout')
      : verdict === undefined && sightings.every(({ symptom }) => symptom.beside)
        ? symptomOf(liveSymptoms.endsInPrepare.id)
        : undefined;
  if (symptom === undefined || sightings.some((sighting) => sighting.symptom === symptom)) return [];
  return [{ symptom, own: true, inError: false, stage, line: last.line, excerpt: last.text, count: 1 }];
}

function fitsVerdict({ id, blame }: Symptom, verdict: Verdict | undefined): boolean {
  switch (verdict) {
    case undefined:
      return true;
    case 'succeeded':
      return false;
    case 'script':
      return blame === 'job';
    case 'system':
      return blame !== 'job' && id !== 'terminated';
    case 'timeout':
      return blame === 'job' || id === 'terminated' || id === 'prepare-timeout';
    case 'canceled':
      return id === 'terminated';
  }
}

function weigh(
  { symptom, own, inError, stage }: Sighting,
  fits: boolean,
  verdict: Verdict | undefined,
  failing: string | undefined,
  blames: number,
): Certainty {
  if (own) return 'likely';
  if (!fits || verdict === undefined) return 'possible';
  // Who forges blame on himself has it; but what a script went on after need not be why it failed.
  if (symptom.blame === 'job') return stage === failing ? 'likely' : 'possible';
  // One of them is genuine. Which one, the log does not tell.
  return inError && blames === 1 ? 'likely' : 'possible';
}

function stateOf(verdict: Verdict | undefined): JobState {
  if (verdict === undefined) return 'unknown';
  return verdict === 'succeeded' || verdict === 'canceled' ? verdict : 'failed';
}

function faultOf(verdict: Verdict | undefined, first: Finding | undefined): Fault {
  if (verdict === 'succeeded' || verdict === 'canceled') return 'nobody';
  if (first !== undefined && first.certainty !== 'possible') return first.symptom.blame;
  if (verdict === 'script' || verdict === 'timeout') return 'job';
  return verdict === 'system' ? 'system' : 'unknown';
}

function notesOf(verdict: Verdict | undefined, first: Finding | undefined): string[] {
  if (verdict === undefined) {
    return [
      'The log has no last word of GitLab Runner ("Job succeeded", "Job failed"): it is not all there, or the job still runs.',
    ];
  }
  if (first !== undefined || verdict === 'succeeded' || verdict === 'canceled') return [];
  return verdict === 'system'
    ? []
    : ["The job's own script failed; what it says above its end is all there is to go by."];
}
