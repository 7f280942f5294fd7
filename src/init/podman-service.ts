import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { HostLayout } from '../host-setup/layout.ts';
import { answers } from '../host-setup/podman-api.ts';
import type { PodmanUser } from '../host-setup/podman-user.ts';
import { whatServiceIsNot } from '../host-setup/service-check.ts';
import { GC_UNIT, PODMAN_UNIT } from '../host-setup/units.ts';
import { impossible } from './impossible.ts';

const SESSION_TIMEOUT_MS = 60_000;
const START_TIMEOUT_MS = 120_000;
/** One that has much to do is not to be restarted. */
const BUSY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 120_000;
const LOG_HINT = 'journalctl _SYSTEMD_USER_UNIT=bulkhead-podman.service says why';

const isRoot = (): boolean => process.getuid?.() === 0;

/** Talks to the systemd of Podman's user, as that user. */
export function systemctl(user: PodmanUser, args: string[], options: { reject?: boolean } = {}) {
  const env = { ...user.env, XDG_RUNTIME_DIR: sessionFolder(user) };
  return user.exec('systemctl', ['--user', ...args], { ...options, env, timeout: STOP_TIMEOUT_MS });
}

/** Talks to the systemd that runs gc: the host's when root calls, else the user's, so that of nobody who is not there. */
async function gcSystemctl(user: PodmanUser | undefined, args: string[], options: { reject?: boolean } = {}) {
  if (isRoot()) return await execa('systemctl', args, { ...options, stdin: 'ignore' });
  return user && (await systemctl(user, args, options));
}

const sessionFolder = ({ uid }: PodmanUser): string => `/run/user/${uid}`;
const hasSession = (user: PodmanUser): boolean => existsSync(join(sessionFolder(user), 'bus'));

/** @throws BulkheadError `init-impossible` when the user's systemd does not come up. */
export async function waitForSession(user: PodmanUser): Promise<void> {
  const deadline = Date.now() + SESSION_TIMEOUT_MS;
  while (!hasSession(user)) {
    if (Date.now() > deadline) throw impossible(`systemd keeps no session with a bus for ${user.name}`);
    await sleep(200);
  }
}

/**
 * Has Podman answer, and be what it should be.
 * @param changed whether something changed that it reads only when it starts. Sandboxes live on when it is restarted.
 * @throws BulkheadError `init-impossible`; ExecaErrors of systemctl.
 */
export async function ensureService(layout: HostLayout, user: PodmanUser, changed: boolean): Promise<'done' | 'there'> {
  await waitForSession(user);
  const there = !changed && (await answers(layout, BUSY_TIMEOUT_MS));
  if (!there) {
    await systemctl(user, ['daemon-reload']);
    await systemctl(user, ['enable', '--quiet', `${PODMAN_UNIT}.socket`]);
    await systemctl(user, ['stop', `${PODMAN_UNIT}.socket`, `${PODMAN_UNIT}.service`]);
    await systemctl(user, ['start', `${PODMAN_UNIT}.socket`]);
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(layout))) {
      if (Date.now() > deadline) throw impossible(`Podman does not answer; ${LOG_HINT}`);
      await sleep(200);
    }
  }
  const wrong = await whatServiceIsNot(layout);
  if (wrong !== undefined) throw impossible(`${wrong}; ${LOG_HINT}`);
  return there ? 'there' : 'done';
}

/** Has the timer of gc wait for its time. Errors: ExecaErrors of systemctl. */
export async function ensureTimer(user: PodmanUser, changed: boolean): Promise<'done' | 'there'> {
  const unit = `${GC_UNIT}.timer`;
  const active = await gcSystemctl(user, ['is-active', '--quiet', unit], { reject: false });
  if (!changed && active?.exitCode === 0) return 'there';
  await gcSystemctl(user, ['daemon-reload']);
  await gcSystemctl(user, ['enable', '--quiet', unit]);
  await gcSystemctl(user, ['restart', unit]);
  return 'done';
}

/**
 * Stops and disables all of it. What is not there, or does not run, need not be stopped.
 * @param user undefined when the account is gone: root's timer is there all the same.
 */
export async function stopAll(user: PodmanUser | undefined): Promise<void> {
  await gcSystemctl(user, ['disable', '--now', '--quiet', `${GC_UNIT}.timer`], { reject: false });
  if (user === undefined || !hasSession(user)) return;
  await systemctl(user, ['disable', '--now', '--quiet', `${PODMAN_UNIT}.socket`], { reject: false });
  await systemctl(user, ['stop', `${PODMAN_UNIT}.service`], { reject: false });
}

/** Lets systemd forget the units that are gone. */
export async function forgetUnits(user: PodmanUser | undefined): Promise<void> {
  await gcSystemctl(user, ['daemon-reload'], { reject: false });
  if (isRoot() && user && hasSession(user)) await systemctl(user, ['daemon-reload'], { reject: false });
}
