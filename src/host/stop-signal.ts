import type { BulkheadError } from '../errors.ts';

/** GitLab Runner ends a stage with SIGTERM to its process group; a terminal does with SIGINT or SIGHUP. */
export const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Aborted when this process is told to end, which it then does by itself. @param reason of the abortion. */
export function stopSignal(reason: BulkheadError): AbortSignal {
  const stop = new AbortController();
  for (const signal of stopSignals) process.on(signal, () => stop.abort(reason));
  return stop.signal;
}
