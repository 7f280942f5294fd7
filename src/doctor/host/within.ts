import { BulkheadError } from '../../errors.ts';

/**
 * Waits no longer than `ms`: a service that takes a connection and never answers must not keep the doctor.
 * @throws BulkheadError `podman-unreachable`, and what the call throws.
 */
export async function within<T>(ms: number, what: string, call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silent(what, ms)), ms);
  });
  // Whoever comes second is not waited for, and its failure is nobody's.
  call.catch(() => {});
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}

function silent(what: string, ms: number): BulkheadError {
  return new BulkheadError(
    'podman-unreachable',
    `the Podman service took the connection, but gave no answer in ${ms / 1000} s (${what})`,
    "Look at the service's log, and restart the service.",
  );
}
