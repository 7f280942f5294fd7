import { write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BulkheadError } from '../errors.ts';

const writeTo = promisify(write);
const descriptors = { stdout: 1, stderr: 2 };

export type OutputStream = keyof typeof descriptors;

/**
 * From now on everything goes to our stdout. GitLab Runner reads our two streams by two readers, so which of two lines came
 * first is lost between them; in one stream it is kept.
 */
export function writeInOneStream(): void {
  descriptors.stderr = descriptors.stdout;
}

/**
 * Writes all of `data` to our own stdout or stderr, the two streams of the job log, and returns when the kernel has taken
 * it. Callers await each write: that is the backpressure, and what keeps the two streams in order. Works in the thread
 * pool, so a reader that stalls does not keep us from hearing SIGTERM (process.stdout would block on a pipe).
 * @throws BulkheadError `output-closed` when nobody reads any more, or the disk behind it is full.
 */
export async function writeOutput(stream: OutputStream, data: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < data.length) {
    try {
      const { bytesWritten } = await writeTo(descriptors[stream], data, offset, data.length - offset);
      offset += bytesWritten;
    } catch (cause) {
      // A pipe that its other end made non-blocking, and that is full.
      if ((cause as NodeJS.ErrnoException).code === 'EAGAIN') {
        await sleep(5);
        continue;
      }
      throw new BulkheadError(
        'output-closed',
        `the job log cannot be written: ${(cause as Error).message}`,
        'Look for a stopped GitLab Runner, or a full disk under its log.',
        { cause },
      );
    }
  }
}
