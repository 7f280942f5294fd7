import { BulkheadError } from '../errors.ts';
import { exceededLimit } from '../host/exceeded-limit.ts';
import type { StageSandbox } from '../podman/stage-sandbox.ts';
import { formatSize } from '../policy/units.ts';

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
