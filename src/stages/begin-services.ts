import type { Configuration } from '../configuration.ts';
import type { Podman } from '../podman/client.ts';
import { openGate } from '../podman/job-creation.ts';
import type { Job } from '../runner/job.ts';
import { SharedLog } from '../runner/shared-log.ts';
import type { JobSpec } from '../sandbox/specification.ts';
import type { JobDecision } from './decision.ts';
import { explainServiceDeath } from './exceeded-limit.ts';
import { awaitServices } from './service-health.ts';
import { showServiceLogs } from './service-logs.ts';
import type { ServiceDescription } from './services.ts';

/**
 * Lets the services begin, now that their sandboxes are proven, and waits until they are up or will not be.
 * @throws the signal's reason; Podman's errors when the helper sandbox died.
 */
export async function beginServices(
  podman: Podman,
  { socket, servicesTimeoutSeconds }: Configuration,
  env: NodeJS.ProcessEnv,
  job: Job,
  { policy }: JobDecision,
  spec: JobSpec,
  services: readonly ServiceDescription[],
  stop: AbortSignal,
): Promise<void> {
  await openGate(podman, spec.courier.name);
  const log = new SharedLog();
  const endLogs = showServiceLogs(podman, env, job, policy.settings.limits.log ?? null, `policy "${policy.name}"`, log);
  const explain = (index: number) => explainServiceDeath(socket, job.key, index, policy.name);
  try {
    await awaitServices(podman, spec, services, servicesTimeoutSeconds, explain, log.stage, stop);
  } finally {
    await endLogs();
  }
}
