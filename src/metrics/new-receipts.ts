import * as z from 'zod';
import { readHeader, sha256 } from '../receipts/chain.ts';
import { readLines, readTail } from '../receipts/lines.ts';
import type { ReceiptSnapshot } from '../receipts/snapshot.ts';

/** How far the receipts were read. A file is known by its first record, whatever it is called meanwhile. */
export const placeSchema = z.object({
  /** Sequence of the first record in the file. */
  first: z.number(),
  /** Bytes of the file up to the end of the last record read. */
  offset: z.number(),
  /** That record's. */
  sequence: z.number(),
  hash: z.string(),
});
export type Place = z.infer<typeof placeSchema>;

export interface NewReceipts {
  readonly place: Place | undefined;
  /** What is not as it was left, in sentences: records are missing, or begin anew. */
  readonly gaps: readonly string[];
}

interface File {
  readonly first: number;
  readonly snapshot: ReceiptSnapshot;
}

/**
 * Hands on each record that was not read before, once, in the order of the chain.
 * @param take is given the record as JSON.
 * @returns where to go on next time.
 */
export async function readNewReceipts(
  snapshots: readonly ReceiptSnapshot[],
  before: Place | undefined,
  take: (json: unknown) => void,
): Promise<NewReceipts> {
  const files: File[] = [];
  for (const snapshot of snapshots) {
    const first = snapshot.first ?? (await firstRecord(snapshot));
    if (first !== undefined) files.push({ first, snapshot });
  }
  const { rest, start, anew } = await findPlace(files, before);
  const gaps = anew ? ['the receipts begin anew: those that were counted are gone, and all that are there count'] : [];
  let place = before;
  // What was moved away before anybody counted is not missed.
  let last = before === undefined || anew ? (rest[0]?.first ?? 1) - 1 : before.sequence;
  for (const [index, { first, snapshot }] of rest.entries()) {
    let offset = index === 0 ? start : 0;
    for await (const { bytes, whole, ended } of readLines(snapshot.handle, snapshot.size, offset)) {
      offset += bytes.length + (ended ? 1 : 0);
      const header = whole ? readHeader(bytes) : undefined;
      // Half a line; or out of order, which `receipts verify` tells.
      if (header === undefined || header.sequence <= last) continue;
      const { sequence } = header;
      if (sequence > last + 1) gaps.push(`receipts ${last + 1} to ${sequence - 1} were gone before they were counted`);
      last = sequence;
      place = { first, offset, sequence, hash: sha256(bytes) };
      take(JSON.parse(bytes.toString()));
    }
  }
  return { place, gaps };
}

/** Which files to read on in, and where in the first. */
async function findPlace(
  files: readonly File[],
  before: Place | undefined,
): Promise<{ rest: readonly File[]; start: number; anew: boolean }> {
  if (before === undefined || files.length === 0) return { rest: files, start: 0, anew: false };
  const index = files.findIndex(({ first }) => first === before.first);
  const file = files[index]?.snapshot;
  if (file !== undefined && file.size >= before.offset) {
    const { last } = await readTail(file.handle, before.offset);
    if (last?.sequence === before.sequence && last.hash === before.hash) {
      return { rest: files.slice(index), start: before.offset, anew: false };
    }
  }
  // Full files may have been moved away; the chain goes on in the next.
  const rest = files.filter(({ first }) => first > before.sequence);
  return rest.length > 0 ? { rest, start: 0, anew: false } : { rest: files, start: 0, anew: true };
}

async function firstRecord({ handle, size }: ReceiptSnapshot): Promise<number | undefined> {
  for await (const { bytes, whole } of readLines(handle, size)) {
    const header = whole ? readHeader(bytes) : undefined;
    if (header !== undefined) return header.sequence;
  }
  return undefined;
}
