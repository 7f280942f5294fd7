import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Puts a file in the place of another; who reads sees the one or the other, whole, also after a power cut. A link of that name
 * is replaced, not followed.
 * @throws the errors of open(2), write(2) and rename(2).
 */
export async function replaceFile(folder: string, name: string, content: string, mode = 0o600): Promise<void> {
  const path = await writeTemporary(folder, content, mode);
  await undoing(path, rename(path, join(folder, name)));
  await using handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync();
}

/**
 * Writes a file with a random name, which begins with a dot, and returns its path when it is on the disk.
 * @throws the errors of open(2) and write(2).
 */
export async function writeTemporary(folder: string, content: string, mode = 0o600): Promise<string> {
  const path = join(folder, `.${randomBytes(8).toString('hex')}`);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  await using file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  const write = async () => {
    await file.writeFile(content);
    // Whatever the umask is.
    await file.chmod(mode);
    await file.sync();
  };
  await undoing(path, write());
  return path;
}

/** A full disk is not to fill up with halves. */
async function undoing(path: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    await unlink(path).catch(() => {});
    throw error;
  }
}
