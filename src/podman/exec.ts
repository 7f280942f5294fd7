import { setTimeout as sleep } from 'node:timers/promises';
import { BulkheadError } from '../errors.ts';
import { isNotFound, type Podman, request, sandboxMissing } from './client.ts';
import { demultiplex, type OutputPiece } from './frames.ts';

/**
 * Runs `command` in a running container and hands every piece of its output to `onOutput`, one at a time.
 * @returns the exit code.
 * @throws BulkheadError `sandbox-missing`, `sandbox-died`, `podman-connection-lost`, or what `onOutput` throws.
 */
export async function execute(
  podman: Podman,
  container: string,
  command: readonly string[],
  onOutput: (piece: OutputPiece) => Promise<void> = async () => {},
): Promise<number> {
  const exec = await startable(podman, container, command);
  const output = await request('start exec', exec.start({ hijack: false, stdin: false }));
  try {
    for await (const piece of demultiplex(output as AsyncIterable<Uint8Array>)) await onOutput(piece);
  } catch (error) {
    // Before anything else: a sandbox that died cuts its output, too, and that is what the operator must hear.
    if (error instanceof BulkheadError) throw error;
    await requireRunning(podman, container);
    throw connectionLost(error);
  } finally {
    output.destroy();
  }
  const exitCode = await exitCodeOf(podman, exec.id);
  // A sandbox that dies ends its execs with some exit code that is not the script's.
  if (exitCode !== 0) await requireRunning(podman, container);
  if (exitCode === undefined) throw connectionLost(new Error('the output ended, but the script did not'));
  return exitCode;
}

async function startable(podman: Podman, container: string, command: readonly string[]) {
  try {
    return await request(
      'create exec',
      podman.getContainer(container).exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true, Tty: false }),
    );
  } catch (error) {
    await requireRunning(podman, container);
    throw error;
  }
}

/** Podman may close the stream a moment before it has written down the exit code. */
async function exitCodeOf(podman: Podman, execId: string): Promise<number | undefined> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const state = await request('inspect exec', podman.getExec(execId).inspect());
    if (!state.Running && state.ExitCode !== null) return state.ExitCode;
    await sleep(50);
  }
  return undefined;
}

/** @throws BulkheadError `sandbox-missing` or `sandbox-died`. */
async function requireRunning(podman: Podman, container: string): Promise<void> {
  let state: { readonly Running: boolean; readonly Status: string; readonly ExitCode: number };
  try {
    state = (await request('inspect sandbox', podman.getContainer(container).inspect())).State;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw sandboxMissing(container, error);
  }
  if (state.Running) return;
  throw new BulkheadError(
    'sandbox-died',
    `the sandbox ${container} ended while the script ran (${state.Status}, exit code ${state.ExitCode})`,
    'Usual causes: it was killed for using too much memory, or the script killed PID 1. Look at the kernel log of this host.',
  );
}

function connectionLost(cause: unknown): BulkheadError {
  return new BulkheadError(
    'podman-connection-lost',
    `the Podman service went away while the script ran: ${(cause as Error).message}`,
    "Look at the service's log; retry the job.",
    { cause },
  );
}
