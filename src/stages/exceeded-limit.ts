import { BulkheadError } from '../errors.ts';
import { exceededLimit, serviceMemoryExceeded } from '../host/exceeded-limit.ts';
import type { StageSandbox } from '../podman/stage-sandbox.ts';
import { formatSize } from '../policy/units.ts';
import type { Job } from '../runner/job.ts';
import { escapeForeign, logLine } from '../runner/job-log.ts';

/** What runsc ends with when it cannot start a process in a sandbox; a script may end with it as well. */
export const notStarted = 125;

/**
 * Why a stage's sandbox died, when the job itself made it die: the kernel ended it at a limit of the policy. What else ends
 * a sandbox is none of the job's fault, and stays what it is.
 * @returns the error to report in place of `error`.
 */
export async function explainDeath(
  error: unknown,
  socket: string,
  jobKey: string,
  sandbox: StageSandbox,
): Promise<unknown> {
  if (!(error instanceof BulkheadError) || error.code !== 'sandbox-died') return error;
  return (await findExceeded(socket, jobKey, sandbox, error)) ?? error;
}

/**
 * At the limit of tasks, no process can be started in a sandbox that lives; the exec then ends like a script could.
 * @throws BulkheadError `limit-pids-exceeded`.
 */
export async function explainExit(
  exitCode: number,
  socket: string,
  jobKey: string,
  sandbox: StageSandbox,
): Promise<void> {
  if (exitCode !== notStarted) return;
  const error = await findExceeded(socket, jobKey, sandbox);
  if (error?.code === 'limit-pids-exceeded') throw error;
}

/**
 * Why a service has ended, when that was its own limit.
 * @param index its place in the job's list.
 */
export async function explainServiceDeath(
  socket: string,
  jobKey: string,
  index: number,
  policy: string,
): Promise<string | undefined> {
  const exceeded = await serviceMemoryExceeded(socket, jobKey, index).catch(() => false);
  return exceeded ? `the kernel ended it at limits.serviceMemory of policy "${policy}"` : undefined;
}

/** A script may fail because a service is gone that it talked to: then the log says so. */
export async function warnOfServiceDeaths(
  exitCode: number,
  socket: string,
  { key, services, request }: Job,
  { policy }: StageSandbox,
): Promise<void> {
  if (exitCode === 0) return;
  for (const index of services.keys()) {
    const cause = await explainServiceDeath(socket, key, index, policy);
    if (cause === undefined) continue;
    const name = escapeForeign(request.services[index]?.name ?? '');
    await logLine(`bulkhead: WARNING: Service "${name}" (services[${index}]) is gone: ${cause}`, 'stderr');
  }
}

async function findExceeded(
  socket: string,
  jobKey: string,
  { limits, policy }: StageSandbox,
  cause?: BulkheadError,
): Promise<BulkheadError | undefined> {
  const limit = await exceededLimit(socket, jobKey).catch(() => undefined);
  if (limit === 'memory' && limits.memory !== null) {
    return new BulkheadError(
      'limit-memory-exceeded',
      `the job used more memory than limits.memory of policy "${policy}" (${formatSize(limits.memory)}), so the kernel ended its sandbox`,
      'Let it need less, fewer parallel processes for instance; or ask the operators of the runner for more.',
      { cause },
    );
  }
  if (limit === 'pids' && limits.pids !== null) {
    return new BulkheadError(
      'limit-pids-exceeded',
      `the job needed more tasks than limits.pids of policy "${policy}" (${limits.pids})`,
      'Let it start fewer processes and threads at a time; or ask the operators of the runner for more.',
      { cause },
    );
  }
  return undefined;
}
