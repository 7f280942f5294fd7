import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** Of this test file, and gone with it. */
export const folder = mkdtempSync(join(tmpdir(), 'bulkhead-process-'));
/** Killed when the tests of this file are over. */
export const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A process that sleeps under a name of our choice. */
export async function sleeper(name: string): Promise<number> {
  const program = join(folder, name);
  symlinkSync('/usr/bin/sleep', program);
  const child = spawn(program, ['60'], { stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  assert.ok(child.pid);
  return child.pid;
}

/** The pid of a process that has ended. */
export async function gone(): Promise<number> {
  const child = spawn('true');
  await once(child, 'close');
  assert.ok(child.pid);
  return child.pid;
}
