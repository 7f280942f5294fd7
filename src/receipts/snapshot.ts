import { constants } from 'node:fs';
import { access, type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFile, withLock } from '../host/folder-lock.ts';
import { receiptFiles } from './chain.ts';

/** A receipt file as it was at one moment. */
export interface ReceiptSnapshot {
  readonly name: string;
  readonly first: number | undefined;
  readonly handle: FileHandle;
  readonly size: number;
}

/**
 * All receipt files, oldest first; their handles are the caller's to close. Under the lock, so that no record is half written
 * and no file just being renamed; a copy elsewhere has no lock.
 * @throws the errors of open(2) and withLock.
 */
export async function snapshotReceipts(folder: string): Promise<ReceiptSnapshot[]> {
  const locked = await access(join(folder, lockFile), constants.R_OK).then(
    () => true,
    () => false,
  );
  const openAll = async (): Promise<ReceiptSnapshot[]> => {
    const files: ReceiptSnapshot[] = [];
    try {
      for (const { name, first } of receiptFiles(await readdir(folder))) {
        const handle = await open(join(folder, name), constants.O_RDONLY | constants.O_NONBLOCK);
        files.push({ name, first, handle, size: (await handle.stat()).size });
      }
      return files;
    } catch (error) {
      await closeSnapshot(files);
      throw error;
    }
  };
  return locked ? await withLock(folder, openAll) : await openAll();
}

export async function closeSnapshot(files: readonly ReceiptSnapshot[]): Promise<void> {
  await Promise.all(files.map(({ handle }) => handle.close()));
}
