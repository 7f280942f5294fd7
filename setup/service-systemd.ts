import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { PODMAN_UNIT, podmanUnits, runFolderLine } from '../src/host-setup/units.ts';
import { writeIfChanged } from '../src/host-setup/write-if-changed.ts';
import { isRoot } from './host.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';
import { SetupError } from './say.ts';

// The service where systemd runs: a user unit behind a socket unit, in the lingering session of the service's user.

const SESSION_TIMEOUT_MS = 15_000;
const NAME = PODMAN_UNIT;

export const logHint = (): string => `journalctl --user -u ${NAME}, as the service's user`;

export function definition(layout: HostLayout, user: PodmanUser): string {
  return JSON.stringify([...podmanUnits(layout, user.env)]);
}

export async function isKept(layout: HostLayout, user: PodmanUser): Promise<boolean> {
  const { exitCode } = await systemctl(user, ['is-active', '--quiet', `${NAME}.socket`], { reject: false });
  return exitCode === 0 && existsSync(layout.socket);
}

export async function start(layout: HostLayout, user: PodmanUser): Promise<void> {
  const folder = isRoot ? '/etc/systemd/user' : join(homedir(), '.config/systemd/user');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of podmanUnits(layout, user.env)) writeIfChanged(join(folder, name), text, { mode: 0o644 });
  if (isRoot) await keepRunFolder(layout, user);
  await waitForSession(user);
  await systemctl(user, ['daemon-reload']);
  await systemctl(user, ['enable', '--quiet', '--now', `${NAME}.socket`]);
}

export async function stop(_layout: HostLayout, user: PodmanUser): Promise<void> {
  await systemctl(user, ['stop', `${NAME}.socket`, `${NAME}.service`], { reject: false });
}

function systemctl(user: PodmanUser, args: string[], options: { reject?: boolean } = {}) {
  const env = { ...user.env, XDG_RUNTIME_DIR: sessionFolder(user) };
  return user.exec('systemctl', ['--user', ...args], { ...options, env, timeout: 30_000 });
}

const sessionFolder = (user: PodmanUser): string => `/run/user/${user.uid}`;

/** /run is empty after a boot, and the service's user may not make a folder there. */
async function keepRunFolder({ runDir }: HostLayout, user: PodmanUser): Promise<void> {
  const line = runFolderLine(runDir, user.name, user.gid);
  writeIfChanged('/etc/tmpfiles.d/bulkhead.conf', line, { mode: 0o644 });
  await execa('systemd-tmpfiles', ['--create', '/etc/tmpfiles.d/bulkhead.conf']);
}

async function waitForSession(user: PodmanUser): Promise<void> {
  const deadline = Date.now() + SESSION_TIMEOUT_MS;
  while (!existsSync(`${sessionFolder(user)}/bus`)) {
    if (Date.now() > deadline)
      throw new SetupError(`systemd keeps no session for ${user.name} (loginctl enable-linger)`);
    await sleep(100);
  }
}
