import { type Configuration, loadConfiguration } from '../configuration.ts';
import { removeJobSlice } from '../host/job-slice.ts';
import { runnerIdentity } from '../host/process-identity.ts';
import { removeWithGuard } from '../network/remove-guard.ts';
import { openPodman, waitForPodman } from '../podman/client.ts';
import { removeJobObjects } from '../podman/job-objects.ts';
import { Account } from '../receipts/account.ts';
import { appendReceipt } from '../receipts/append.ts';
import { type Job, readJob } from '../runner/job.ts';
import type { Stage } from './context.ts';

const podmanPatienceMs = 15_000;
/** courier, helper, build; each service has one more. */
const containersOfAJob = 3;

/**
 * `cleanup`: removes everything that carries the job's label, and writes the receipt of that. Silent on success, and never
 * prints a value of the job: its output goes to GitLab Runner's own log, unmasked. A signal does not end it; it is the last
 * to know of the job.
 */
export const cleanup: Stage = async ({ env, codes, configPath }) => {
  // GitLab Runner also calls us for an attempt that ended before it had described the job; then there is nothing.
  if (!env['JOB_RESPONSE_FILE']) return codes.success;
  const configuration = await loadConfiguration(env, configPath);
  const job = await readJob(env);
  const account = new Account(job, await runnerIdentity(env['JOB_RESPONSE_FILE']));
  let removed = 0;
  try {
    removed = await removeJob(configuration, job);
    account.lap('remove');
  } catch (error) {
    // What is left counts, not that its receipt could not be written either.
    await appendReceipt(configuration.stateFolder, account.finished(removed, error)).catch(() => {});
    throw error;
  }
  // Nothing was there when prepare refused the job, which has left its own receipt.
  if (removed > 0) await appendReceipt(configuration.stateFolder, account.finished(removed));
  return codes.success;
};

async function removeJob(configuration: Configuration, job: Job): Promise<number> {
  const podman = openPodman(configuration.socket);
  await waitForPodman(podman, podmanPatienceMs);
  const expected = containersOfAJob + job.services.length;
  const removed = await removeWithGuard(podman, job.key, () => removeJobObjects(podman, job.key, expected));
  await removeJobSlice(configuration.socket, job.key);
  return removed;
}
