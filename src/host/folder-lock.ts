import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { inOwnGroup } from './own-group.ts';

/** Stays empty, and stays where it is. */
export const lockFile = 'lock';

/**
 * Does the work while no other process does any under the folder's lock. Node has no flock(2), so util-linux's flock takes
 * the lock for us on a descriptor that it inherits: the lock belongs to what both have open, stays ours when flock has
 * ended, and the kernel releases it when we close it or die, however we die. Costs one process.
 * @throws the errors of open(2); ENOENT when there is no flock; an Error when the lock stays taken.
 */
export async function withLock<T>(folder: string, work: () => Promise<T>, patienceSeconds = 30): Promise<T> {
  const { O_RDONLY, O_CREAT, O_NOFOLLOW } = constants;
  await using file = await open(join(folder, lockFile), O_RDONLY | O_CREAT | O_NOFOLLOW, 0o600);
  const { exitCode, signal, says } = await inOwnGroup(() => lock(file.fd, patienceSeconds));
  if (exitCode !== 0) {
    const taken = `another process held the lock for ${patienceSeconds} s`;
    throw new Error(says.trim() || (signal === null ? taken : `flock was ended by ${signal}`));
  }
  return await work();
}

async function lock(fd: number, patienceSeconds: number) {
  const child = spawn('flock', ['-x', '-w', `${patienceSeconds}`, '3'], {
    env: { PATH: process.env['PATH'] || '/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'pipe', fd],
    detached: true,
  });
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const [[exitCode, signal], says] = await Promise.all([closed, child.stderr ? text(child.stderr) : '']);
  return { exitCode, signal, says };
}
