import { loadConfiguration } from '../configuration.ts';
import { openPodman, waitForPodman } from '../podman/client.ts';
import { removeJobObjects } from '../podman/job-objects.ts';
import { readJob } from '../runner/job.ts';
import type { Stage } from './context.ts';

const podmanPatienceMs = 15_000;
/** courier, helper, build. */
const containersOfAJob = 3;

/**
 * `cleanup`: removes everything that carries the job's label. Silent on success, and never prints a value of the job:
 * its output goes to GitLab Runner's own log, unmasked. A signal does not end it; it is the last to know of the job.
 */
export const cleanup: Stage = async ({ env, codes, configPath }) => {
  // GitLab Runner also calls us for an attempt that ended before it had described the job; then there is nothing.
  if (!env['JOB_RESPONSE_FILE']) return codes.success;
  const configuration = await loadConfiguration(env, configPath);
  const job = await readJob(env);
  const podman = openPodman(configuration.socket);
  await waitForPodman(podman, podmanPatienceMs);
  await removeJobObjects(podman, job.key, containersOfAJob);
  return codes.success;
};
