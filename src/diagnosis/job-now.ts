import { BulkheadError } from '../errors.ts';
import type { JobOutcome } from '../orphans/remove-orphans.ts';
import type { Podman } from '../podman/client.ts';
import { type SandboxState, sandboxStates } from '../podman/sandbox-states.ts';
import type { Diagnosis, Finding } from './diagnosis.ts';
import { symptomOf } from './symptoms/all.ts';
import { liveSymptoms } from './symptoms/live.ts';

/**
 * What Podman holds of a job now.
 * @throws BulkheadError of the requests.
 */
export async function diagnoseLiveJob(podman: Podman, job: JobOutcome): Promise<Diagnosis> {
  return concludeLiveJob(
    job,
    await sandboxStates(
      podman,
      job.objects.map(({ object }) => object),
    ),
  );
}

/** Pure. */
export function concludeLiveJob({ objects, verdict }: JobOutcome, sandboxes: readonly SandboxState[]): Diagnosis {
  const [first] = objects;
  if (first === undefined) throw new BulkheadError('internal-error', 'a job without objects', 'Report this.');
  const about = {
    subject: `job ${first.jobId} of ${first.instance} (${first.jobKey})`,
    disbelieved: [],
    notes: [`Its objects are on this host: ${verdict.text}.`],
  };
  if (verdict.orphan) {
    return { ...about, state: 'ended', fault: 'operator', findings: [found(liveSymptoms.leaked.id, verdict.text)] };
  }
  const ended = sandboxes.filter(
    ({ role, state }) => role !== 'courier' && (state === 'exited' || state === 'stopped'),
  );
  const findings = ended.map(({ role, state, exitCode, oomKilled }) => {
    const why = oomKilled ? ', killed for its memory' : '';
    return found(liveSymptoms.sandboxEnded.id, `the ${role} sandbox is ${state}, exit code ${exitCode}${why}`);
  });
  return { ...about, state: 'running', fault: findings.length > 0 ? 'system' : 'nobody', findings };
}

function found(id: string, excerpt: string): Finding {
  const symptom = symptomOf(id);
  if (symptom === undefined) throw new Error(`there is no symptom ${id}`);
  return { symptom, certainty: 'sure', decisive: true, excerpt, count: 1 };
}
