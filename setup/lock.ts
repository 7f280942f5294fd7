import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { execa } from 'execa';

/**
 * Runs `work` while no other set-up of this host does. The lock is held by a child process that ends when its standard
 * input closes, so it cannot outlive this process, however that ends.
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const holder = execa('flock', [file, 'sh', '-c', 'echo held; exec cat'], { stdin: 'pipe', buffer: false });
  await once(holder.stdout, 'data');
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await holder;
  }
}
