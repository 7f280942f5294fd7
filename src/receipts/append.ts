import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { withLock } from '../host/folder-lock.ts';
import { openTrustedFile, requireTrustedFolder } from '../host/trusted-file.ts';
import { currentFile, formatLine, fullFile, genesis, type Head, readHeader, receiptFiles, sha256 } from './chain.ts';
import { longestLine, readLines, readTail } from './lines.ts';
import { type ReceiptRecord, receiptRecordSchema } from './record.ts';

const fullBytes = 64 * 1024 * 1024;

/**
 * Appends one record to `receipts.jsonl` in the state folder, and returns when it is on the disk. Works beside other
 * drivers that do the same. Nothing that is there is ever changed: after a write that was cut off, the next record begins
 * a line of its own and says what it found.
 * @throws BulkheadError `receipts-unusable`; `file-unsafe` when others could change the receipts.
 */
export async function appendReceipt(
  folder: string,
  record: ReceiptRecord,
  { full = fullBytes }: { full?: number } = {},
): Promise<void> {
  const content = receiptRecordSchema.parse(record);
  try {
    const place = requireTrustedFolder(folder);
    if (place === undefined) throw new Error('the folder does not exist');
    await withLock(place, () => appendLocked(place, content, full));
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw unusable(folder, cause as NodeJS.ErrnoException);
  }
}

async function appendLocked(folder: string, record: ReceiptRecord, full: number): Promise<void> {
  await putAside(folder, full);
  await using file = await openCurrent(folder);
  const { size } = await file.stat();
  const { last, ended, torn } = await readTail(file, size);
  const before = last ?? (await lastOfFullFiles(folder));
  // Nobody finished the line; it stays, and ours is the next.
  const feed = !ended || (torn.length > 0 && torn.at(-1) !== 0x0a) ? '\n' : '';
  const found = torn.length === 0 ? undefined : Buffer.concat([torn, Buffer.from(feed)]);
  const line = formatLine(before, new Date(), record, found && { bytes: found.length, sha256: sha256(found) });
  if (line.length > longestLine) throw new Error(`a record of ${line.length} bytes is too long`);
  await file.appendFile(`${feed}${line}\n`);
  await file.sync();
  if (size === 0) await syncFolder(folder);
}

async function openCurrent(folder: string): Promise<FileHandle> {
  const { O_RDWR, O_APPEND, O_CREAT } = constants;
  return await openTrustedFile(join(folder, currentFile), O_RDWR | O_APPEND | O_CREAT, 0o600);
}

/** Renames the current file when it is full. Where that is not possible (`chattr +a`, say), it just goes on growing. */
async function putAside(folder: string, full: number): Promise<void> {
  await using file = await openCurrent(folder);
  const { size } = await file.stat();
  if (size < full) return;
  const { last, ended, torn } = await readTail(file, size);
  // What was cut off is accounted for in the file where it stands, so another record goes in first.
  if (last === undefined || !ended || torn.length > 0) return;
  for await (const { bytes, whole } of readLines(file, size)) {
    const header = whole ? readHeader(bytes) : undefined;
    if (header === undefined) continue;
    const target = join(folder, fullFile(header.sequence));
    const taken = await lstat(target).then(
      () => true,
      () => false,
    );
    if (!taken) await rename(join(folder, currentFile), target).catch(() => {});
    return;
  }
}

async function lastOfFullFiles(folder: string): Promise<Head> {
  const newest = receiptFiles(await readdir(folder))
    .filter(({ first }) => first !== undefined)
    .at(-1);
  if (newest === undefined) return genesis;
  await using file = await open(join(folder, newest.name), constants.O_RDONLY | constants.O_NOFOLLOW);
  const { last } = await readTail(file, (await file.stat()).size);
  if (last !== undefined) return last;
  // To begin anew would hide that something was lost.
  throw new BulkheadError(
    'receipts-unusable',
    `${join(folder, newest.name)} holds no receipt that a next one could follow`,
    'Find out what happened to it; then move it away.',
  );
}

/** A new name is on the disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync();
}

function unusable(folder: string, cause: NodeJS.ErrnoException): BulkheadError {
  const user = process.geteuid?.();
  const [why, hint] =
    cause.code === 'ENOENT' && cause.syscall?.startsWith('spawn')
      ? ['there is no flock to lock it with', 'Install util-linux.']
      : [
          cause.message,
          `Let user ${user} write there (install -d -m 700 -o ${user} ${folder}), and look for a full disk.`,
        ];
  return new BulkheadError('receipts-unusable', `no receipt can be written to ${folder}: ${why}`, hint, { cause });
}
