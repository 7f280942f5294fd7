import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeIfChanged } from '../src/host-setup/write-if-changed.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';

// The service where no systemd runs: a small supervisor in the background, as the service's user.

const STOP_TIMEOUT_MS = 10_000;
const script = readFileSync(join(import.meta.dirname, 'supervisor.sh'), 'utf8');

const installed = (layout: HostLayout): string => join(layout.dataDir, 'bin', 'supervisor.sh');
export const logHint = (layout: HostLayout): string => join(layout.dataDir, 'log', 'service.log');

export function definition(): string {
  return script;
}

export async function isKept(layout: HostLayout, user: PodmanUser): Promise<boolean> {
  return recorded(layout, user, 'supervisor') !== undefined;
}

/** Starts it in a session of its own with nothing inherited: npm would wait for whoever holds its pipes. */
export async function start(layout: HostLayout, user: PodmanUser): Promise<void> {
  writeIfChanged(installed(layout), script, { mode: 0o755 });
  const args = [installed(layout), layout.runDir, layout.socket, logHint(layout)];
  const [program, ...rest] = user.commandLine('sh', args);
  const child = spawn(program, rest, { cwd: user.env['HOME'], env: user.env, detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  child.unref();
}

/** Ends the supervisor, which ends the service; what is left of an interrupted one, too. */
export async function stop(layout: HostLayout, user: PodmanUser): Promise<void> {
  for (const name of ['supervisor', 'service'] as const) await end(() => recorded(layout, user, name));
  rmSync(layout.socket, { force: true });
}

async function end(find: () => number | undefined): Promise<void> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  for (let pid = find(), signal: NodeJS.Signals = 'SIGTERM'; pid !== undefined; pid = find()) {
    kill(pid, signal);
    await sleep(50);
    if (Date.now() > deadline) signal = 'SIGKILL';
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The recorded process, if it still is the one that was recorded: process ids are used again. */
function recorded(layout: HostLayout, user: PodmanUser, name: 'supervisor' | 'service'): number | undefined {
  try {
    const pid = Number(readFileSync(join(layout.runDir, `${name}.pid`), 'utf8'));
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
    const mark = name === 'supervisor' ? `${installed(layout)} ` : `system service --time=0 unix://${layout.socket} `;
    return command.includes(mark) && statSync(`/proc/${pid}`).uid === user.uid ? pid : undefined;
  } catch {
    return undefined;
  }
}
