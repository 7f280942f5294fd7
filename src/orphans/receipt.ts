import type { Configuration } from '../configuration.ts';
import { appendReceipt } from '../receipts/append.ts';
import { version } from '../version.ts';
import type { JobObject } from './claim.ts';

/**
 * Says in the chain that a job ended by being removed as an orphan, in place of the record that its cleanup would have left.
 * Tells what the labels of its objects tell: less than the runner did.
 * @param why in a sentence.
 * @throws BulkheadError `receipts-unusable` or `file-unsafe`.
 */
export async function recordRemoval(
  { stateFolder }: Pick<Configuration, 'stateFolder'>,
  { jobKey, jobId, instance, policy, runnerProcess }: JobObject,
  removed: number,
  why: string,
  milliseconds: number,
): Promise<void> {
  await appendReceipt(stateFolder, {
    kind: 'finished',
    job: { key: jobKey, id: jobId, instance },
    runnerProcess,
    bulkhead: version,
    durations: { remove: Math.round(milliseconds) },
    removed,
    policy,
    outcome: { code: 'job-orphaned', message: why },
  });
}
