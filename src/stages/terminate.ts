import { setTimeout as sleep } from 'node:timers/promises';
import { type Podman, request } from '../podman/client.ts';
import { execute } from '../podman/exec.ts';
import { signalAllCommand } from '../sandbox/shell.ts';

/**
 * Waits for a stage's script. When `stop` is aborted first, ends every process of the stage inside the sandbox (TERM, the
 * grace, KILL) and leaves the sandbox itself running: GitLab Runner may still send after_script. The exec API cannot kill,
 * and ending the exec from the host would leave the script's children behind, so a second exec sends the signals. Where even
 * that cannot be started (a job may have used up what it takes), the sandbox is ended whole: nothing of the stage goes on.
 * @throws `stop.reason` when it was stopped; otherwise what the script's exec throws.
 */
export async function terminateStage(
  script: Promise<number>,
  podman: Podman,
  sandbox: string,
  graceSeconds: number,
  stop: AbortSignal,
): Promise<number> {
  const stopped = Promise.withResolvers<'stopped'>();
  const onStop = () => stopped.resolve('stopped');
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  try {
    const first = await Promise.race([script, stopped.promise]);
    if (first !== 'stopped') return first;
  } finally {
    stop.removeEventListener('abort', onStop);
  }

  const ended = script.then(
    () => true,
    () => true,
  );
  const timer = new AbortController();
  try {
    // One exec may fail where the next does not; only when the last cannot be started either is the sandbox given up.
    await execute(podman, sandbox, signalAllCommand('TERM')).catch(() => {});
    const grace = sleep(graceSeconds * 1000, false, { signal: timer.signal }).catch(() => false);
    if (!(await Promise.race([ended, grace]))) {
      await execute(podman, sandbox, signalAllCommand('KILL'));
      await ended;
    }
  } catch {
    // Also when it is gone already, or nobody answers: why the stage had to end is what its log must say.
    await request('kill sandbox', podman.getContainer(sandbox).kill()).catch(() => {});
  } finally {
    timer.abort();
  }
  throw stop.reason;
}
