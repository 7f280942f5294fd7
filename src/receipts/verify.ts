import { BulkheadError } from '../errors.ts';
import type { Head } from './chain.ts';
import { ChainCheck, type Problem } from './chain-check.ts';
import { readLines } from './lines.ts';
import { closeSnapshot, type ReceiptSnapshot, snapshotReceipts } from './snapshot.ts';

export interface Verification {
  /** Names, oldest first. */
  readonly files: readonly string[];
  readonly records: number;
  /** Writes that were cut off and that a later record accounts for. */
  readonly torn: number;
  readonly head: Head;
  readonly problems: readonly Problem[];
}

/**
 * Reads all receipts of a folder, and finds every line that was changed, removed, moved, repeated or put in. What a chain
 * cannot show is that its end is missing, or that its last line was changed: nothing follows that would tell. For that,
 * name as `head` the hash of a record that was noted elsewhere before.
 * @throws BulkheadError `receipts-unusable` when the folder cannot be read.
 */
export async function verifyReceipts(folder: string, { head }: { head?: string } = {}): Promise<Verification> {
  let files: ReceiptSnapshot[];
  try {
    files = await snapshotReceipts(folder);
  } catch (cause) {
    const why = (cause as Error).message;
    const hint = 'Name the folder with --folder, as a user who may read it.';
    throw new BulkheadError('receipts-unusable', `the receipts in ${folder} cannot be read: ${why}`, hint, { cause });
  }
  try {
    const check = new ChainCheck(head);
    for (const [index, file] of files.entries()) {
      check.begin(file);
      for await (const line of readLines(file.handle, file.size)) check.take(line);
      check.end(index === files.length - 1);
    }
    const result = check.result();
    const none = { file: folder, line: 0, problem: 'no receipts: none was written yet, or all were removed' };
    return {
      ...result,
      files: files.map(({ name }) => name),
      problems: files.length === 0 ? [none, ...result.problems] : result.problems,
    };
  } finally {
    await closeSnapshot(files);
  }
}
