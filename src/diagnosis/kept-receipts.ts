import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { listTrustedFolder } from '../host/trusted-file.ts';
import { receiptFiles } from '../receipts/chain.ts';
import { readLines } from '../receipts/lines.ts';
import { type Receipt, readReceiptLine } from './receipt-line.ts';

/** A job has a few: one for each attempt to prepare it, and one for its end. */
const most = 1000;

/**
 * The receipts of a job in the state folder, oldest first. Whether the chain is whole is for `bulkhead receipts verify` to say.
 * @throws BulkheadError `receipts-unusable`, or `file-unsafe`.
 */
export async function keptReceipts(stateFolder: string, jobId: number): Promise<Receipt[]> {
  const names = (await listTrustedFolder(stateFolder)) ?? [];
  const found: Receipt[] = [];
  try {
    for (const { name } of receiptFiles(names)) {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      await using file = await open(join(stateFolder, name), flags);
      for await (const receipt of receiptsOf(file, jobId)) found.push(receipt);
      found.splice(0, found.length - most);
    }
  } catch (cause) {
    throw new BulkheadError(
      'receipts-unusable',
      `the receipts in ${stateFolder} cannot be read: ${(cause as Error).message}`,
      'Run diagnose as the user of GitLab Runner, who owns that folder.',
      { cause },
    );
  }
  return found;
}

async function* receiptsOf(file: FileHandle, jobId: number): AsyncGenerator<Receipt> {
  const { size } = await file.stat();
  // Most lines are of other jobs, and need no parsing.
  const trace = Buffer.from(`"id":${jobId},`);
  for await (const { bytes, whole } of readLines(file, size)) {
    if (!whole || !bytes.includes(trace)) continue;
    const receipt = readReceiptLine(bytes.toString());
    if (receipt?.job.id === jobId) yield receipt;
  }
}
