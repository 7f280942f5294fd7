import type { PrepareStep } from '../receipts/account.ts';
import { type Certainty, type Diagnosis, type Finding, rank } from './diagnosis.ts';
import { causeBehind } from './match.ts';
import type { Receipt } from './receipt-line.ts';
import { symptomOf } from './symptoms/all.ts';

/** The steps of prepare that receipts give durations of (stages/prepare.ts), and what is done in each; the last has ended with them all. */
const steps = [
  ['decide', 'deciding what the job gets'],
  ['images', 'getting the images'],
  ['create', 'creating the sandboxes'],
  ['start', 'starting the sandboxes'],
  ['prove', 'proving their isolation'],
] as const satisfies readonly (readonly [PrepareStep, string])[];
const lastStep = 'judging what was proven, looking for a shell, beginning the services';

/**
 * What the receipts of one job tell.
 * @param receipts at least one, oldest first.
 * @param certainty `sure` of those that this host keeps; of pasted ones nobody knows where they have been.
 */
export function concludeReceipts(receipts: readonly Receipt[], certainty: Certainty): Diagnosis {
  const last = receipts.at(-1);
  if (last === undefined) throw new Error('there are no receipts');
  const { job, kind, outcome, durations } = last;
  const refused = receipts.filter((receipt) => receipt.kind === 'refused').length;
  const attempts = refused > 1 ? [`Nothing of the job ran in ${refused} attempts to prepare it.`] : [];
  const about = { subject: `job ${job.id} of ${job.instance} (${job.key})`, disbelieved: [] };
  if (outcome !== undefined) {
    const stage = kind === 'refused' ? `prepare (${stepOf(durations)})` : 'cleanup';
    const findings = findingsOf(outcome, stage, certainty);
    const canceled = outcome.code === 'terminated';
    return {
      ...about,
      state: canceled ? 'canceled' : 'failed',
      stage,
      fault: canceled ? 'nobody' : (findings[0]?.symptom.blame ?? 'system'),
      findings,
      notes: findings.length > 0 ? attempts : [...attempts, `The receipt says ${outcome.code}: ${outcome.message}`],
    };
  }
  const notes =
    kind === 'finished'
      ? 'The driver prepared the job and cleaned up after it, and nothing failed in either. How the scripts ended is in no receipt: give the job log to diagnose.'
      : 'The sandboxes were made and proven. There is no receipt of its end.';
  return {
    ...about,
    state: kind === 'finished' ? 'ended' : 'unknown',
    fault: kind === 'finished' ? 'nobody' : 'unknown',
    findings: [],
    notes: [notes],
  };
}

function findingsOf(
  { code, message }: { code: string; message: string },
  stage: string,
  certainty: Certainty,
): Finding[] {
  const symptom = symptomOf(code);
  if (symptom === undefined) return [];
  const common = { decisive: true, stage, excerpt: message, count: 1 };
  const behind = causeBehind(symptom, message);
  // What a registry says comes from whoever runs it, which may be the job's author.
  const worth = code === 'image-pull-failed' ? 'possible' : certainty;
  return rank([
    ...(behind === undefined ? [] : [{ ...common, symptom: behind, certainty: worth }]),
    { ...common, symptom, certainty },
  ]);
}

function stepOf(durations: Readonly<Record<string, number>>): string {
  return steps.find(([name]) => !(name in durations))?.[1] ?? lastStep;
}
