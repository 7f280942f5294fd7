import { setTimeout as sleep } from 'node:timers/promises';
import { BulkheadError } from '../errors.ts';
import type { OutputPiece } from '../podman/frames.ts';
import { formatSize } from '../policy/units.ts';
import { type OutputStream, writeOutput } from './output.ts';

/** What is left unread after the cut must still be read to its end, or the exec never ends: at a tenth of one core. */
const readMs = 5;
const pauseMs = 45;

export type WriteOutput = (stream: OutputStream, data: Uint8Array) => Promise<void>;

/**
 * Passes a stage's output on to `write` up to `limit` bytes, both streams together; then says so in a line of its own, calls
 * `onExceeded` once, and drops the rest. The rest is read slowly, so what floods it waits for us and not we for it, until
 * whoever was told has ended it. Holds nothing back, so no output costs memory.
 * @param limit bytes; null lets all through.
 * @param rule who set the limit, as the job's author may read it.
 * @param onExceeded gets a BulkheadError `limit-log-exceeded`.
 */
export function limitOutput(
  limit: number | null,
  rule: string,
  onExceeded: (error: BulkheadError) => void,
  write: WriteOutput = writeOutput,
): (piece: OutputPiece) => Promise<void> {
  if (limit === null) return ({ stream, data }) => write(stream, data);
  let left = limit;
  let cut = false;
  let readingSince = 0;
  return async ({ stream, data }) => {
    if (!cut && data.length <= left) {
      left -= data.length;
      await write(stream, data);
      return;
    }
    if (cut) {
      if (performance.now() - readingSince < readMs) return;
      await sleep(pauseMs);
      readingSince = performance.now();
      return;
    }
    cut = true;
    // First of all: a reader of the log that stalls must not keep the flood alive.
    onExceeded(logLimitError(limit, rule));
    if (left > 0) await write(stream, data.subarray(0, left));
    await write(
      stream,
      Buffer.from(`\nbulkhead: output cut here, after ${formatSize(limit)} (limits.log of ${rule})\n`),
    );
  };
}

function logLimitError(limit: number, rule: string): BulkheadError {
  return new BulkheadError(
    'limit-log-exceeded',
    `the stage wrote more than ${formatSize(limit)} of output, which is limits.log of ${rule}`,
    'Write less: send long output to a file, and keep that as an artifact. Or ask the operator for a higher limit.',
  );
}
