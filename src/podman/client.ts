import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { BulkheadError } from '../errors.ts';

/** The Docker-compatible API of the dedicated rootless Podman service. */
export type Podman = Docker;

/** What dockerode throws when Podman answered with an error. */
interface ResponseError extends Error {
  readonly statusCode: number;
  readonly json?: { readonly message?: string; readonly cause?: string };
}

/** The socket is always given: without it dockerode would obey DOCKER_HOST. */
export function openPodman(socketPath: string): Podman {
  return new Docker({ socketPath });
}

/**
 * Waits until the service answers, for at most `patienceMs`: it may be restarting.
 * @throws BulkheadError `podman-unreachable`.
 */
export async function waitForPodman(podman: Podman, patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      await request('ping', podman.ping());
      return;
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await sleep(200);
    }
  }
}

export function isNotFound(error: unknown): boolean {
  return statusCode(error) === 404;
}

export function sandboxMissing(container: string, cause: unknown): BulkheadError {
  return new BulkheadError(
    'sandbox-missing',
    `the sandbox ${container} does not exist`,
    'Something removed it while the job ran; look for another cleanup on this host, then retry the job.',
    { cause },
  );
}

/** The HTTP status of Podman's answer, also behind one of our errors. */
export function statusCode(error: unknown): number | undefined {
  const cause = error instanceof BulkheadError ? error.cause : error;
  return (cause as Partial<ResponseError> | undefined)?.statusCode;
}

/**
 * Awaits one API call, naming what failed.
 * @throws BulkheadError `podman-unreachable`, `podman-connection-lost` or `podman-request-failed`.
 */
export async function request<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw toPodmanError(what, error);
  }
}

function toPodmanError(what: string, error: unknown): BulkheadError {
  if (error instanceof BulkheadError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EACCES') {
    return new BulkheadError(
      'podman-unreachable',
      `the Podman service does not answer (${what}): ${message}`,
      'Start the service that owns the socket named in the configuration, and let the user of GitLab Runner open it.',
      { cause: error },
    );
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || message === 'socket hang up') {
    return new BulkheadError(
      'podman-connection-lost',
      `the Podman service went away (${what}): ${message}`,
      "Look at the service's log; retry the job.",
      { cause: error },
    );
  }
  const answer = (error as ResponseError).json?.message ?? message;
  return new BulkheadError(
    'podman-request-failed',
    `Podman refused a request (${what}): ${answer.trim()}`,
    "Look at the Podman service's log on this host.",
    { cause: error },
  );
}
