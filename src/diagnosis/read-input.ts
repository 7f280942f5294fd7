import { concludeReceipts } from './conclude-receipts.ts';
import type { Diagnosis } from './diagnosis.ts';
import { diagnoseLog } from './read-log.ts';
import { type Receipt, readReceiptLine } from './receipt-line.ts';

/** Receipts of one job are a few lines; what is longer is a log, and is never held. */
const mostReceipts = 4 * 1024 * 1024;

/**
 * Diagnoses what somebody pasted. It is receipts when each of its lines is one: a receipt that stands in a log was printed by the job,
 * and is a line of it like any other.
 * @returns one for a log, one for each job of receipts.
 */
export async function diagnoseInput(input: AsyncIterable<Uint8Array>): Promise<Diagnosis[]> {
  const chunks = input[Symbol.asyncIterator]();
  const begun: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  while (!ended && size <= mostReceipts) {
    const { done, value } = await chunks.next();
    ended = done === true;
    if (!ended) {
      begun.push(value);
      size += value.length;
      // The first character tells of most logs that they are no receipts.
      if (!startsWithBrace(begun)) break;
    }
  }
  const receipts = ended ? readReceipts(Buffer.concat(begun).toString()) : undefined;
  if (receipts === undefined) return [await diagnoseLog(all(begun, chunks))];
  return byJob(receipts).map((own) => concludeReceipts(own, 'likely'));
}

/** Groups them by job, as each was seen first. */
export function byJob(receipts: readonly Receipt[]): Receipt[][] {
  return [...Map.groupBy(receipts, ({ job }) => job.key).values()];
}

function startsWithBrace(chunks: readonly Uint8Array[]): boolean {
  const beginning = Buffer.concat(chunks.map((chunk) => chunk.subarray(0, 100)))
    .toString('latin1')
    .trimStart();
  return beginning === '' || beginning.startsWith('{');
}

function readReceipts(text: string): Receipt[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const receipts = lines.map(readReceiptLine).filter((receipt) => receipt !== undefined);
  return receipts.length > 0 && receipts.length === lines.length ? receipts : undefined;
}

async function* all(begun: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* begun;
  for (;;) {
    const { done, value } = await rest.next();
    if (done) return;
    yield value;
  }
}
