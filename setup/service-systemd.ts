import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { isRoot } from './host.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';
import { SetupError } from './say.ts';
import { writeIfChanged } from './write-if-changed.ts';

// The service where systemd runs: a user unit behind a socket unit, in the lingering session of the service's user.

const SESSION_TIMEOUT_MS = 15_000;
const NAME = 'bulkhead-podman';

export const logHint = (): string => `journalctl --user -u ${NAME}, as the service's user`;

export function definition(layout: HostLayout, user: PodmanUser): string {
  return JSON.stringify([...units(layout, user)]);
}

export async function isKept(layout: HostLayout, user: PodmanUser): Promise<boolean> {
  const { exitCode } = await systemctl(user, ['is-active', '--quiet', `${NAME}.socket`], { reject: false });
  return exitCode === 0 && existsSync(layout.socket);
}

export async function start(layout: HostLayout, user: PodmanUser): Promise<void> {
  const folder = isRoot ? '/etc/systemd/user' : join(homedir(), '.config/systemd/user');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of units(layout, user)) writeIfChanged(join(folder, name), text, { mode: 0o644 });
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

function units({ user: name, socket }: HostLayout, user: PodmanUser): Map<string, string> {
  const environment = Object.entries(user.env).map(([key, value]) => `Environment="${key}=${value}"`);
  return new Map([
    [
      `${NAME}.socket`,
      `[Unit]
Description=Docker-compatible API of Bulkhead's rootless Podman
ConditionUser=${name}

[Socket]
ListenStream=${socket}
SocketMode=0600
DirectoryMode=0700

[Install]
WantedBy=sockets.target
`,
    ],
    [
      `${NAME}.service`,
      `[Unit]
Description=Bulkhead's rootless Podman
ConditionUser=${name}
Requires=${NAME}.socket
After=${NAME}.socket

[Service]
Type=exec
${environment.join('\n')}
ExecStart=/usr/bin/env podman system service --time=0
Restart=always
RestartSec=1
# Sandboxes are no part of the service: they live on when it is restarted.
KillMode=process
Delegate=true
`,
    ],
  ]);
}

/** /run is empty after a boot, and the service's user may not make a folder there. */
async function keepRunFolder({ runDir }: HostLayout, user: PodmanUser): Promise<void> {
  const line = `d ${runDir} 0700 ${user.name} ${user.gid} -\n`;
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
