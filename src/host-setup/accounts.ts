import { existsSync, readFileSync } from 'node:fs';
import { ExecaError, execa } from 'execa';
import type { Account } from './podman-user.ts';
import { freeIds, hasEnough } from './subordinate-ids.ts';

/** What getent(1) ends with when there is no such account. Anything else is no answer. */
const NOT_FOUND = 2;

/** An account of the host by its name; undefined when there is none. Errors: ExecaErrors of getent that gives no answer. */
export async function findAccount(name: string): Promise<Account | undefined> {
  try {
    const { stdout } = await execa('getent', ['passwd', name]);
    const [found = '', , uid, gid] = stdout.split(':');
    return { name: found, uid: Number(uid), gid: Number(gid) };
  } catch (error) {
    if (error instanceof ExecaError && error.exitCode === NOT_FOUND) return undefined;
    throw error;
  }
}

/** A range of subordinate ids, `first-last`, that nobody has; undefined when `user` has enough already. */
export async function missingSubordinateIds(user: string): Promise<string | undefined> {
  const files = ['/etc/subuid', '/etc/subgid'].map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''));
  if (files.every((file) => hasEnough(file, user))) return undefined;
  return freeIds(files, await allAccounts());
}

/** All accounts that the host knows, as lines of passwd(5). */
export async function allAccounts(): Promise<string> {
  const { stdout } = await execa('getent', ['passwd']);
  return stdout;
}

/** Whether systemd keeps the user's services running without a login. */
export function lingers(user: string): boolean {
  return existsSync(lingerFile(user));
}

/** Where systemd notes that it does. */
export function lingerFile(user: string): string {
  return `/var/lib/systemd/linger/${user}`;
}
