import { stat } from 'node:fs/promises';
import { execa } from 'execa';

/** The user that the Podman service runs as: the owner of its socket. */
export interface Account {
  readonly uid: number;
  /** The number again when it has no name. */
  readonly name: string;
  readonly groups: readonly number[];
}

/** @throws Error when there is no socket. */
export async function ownerOf(socket: string): Promise<Account> {
  const { uid, gid } = await stat(socket);
  const name = (await say('-un', uid)) || String(uid);
  const groups = ((await say('-G', uid)) || String(gid)).split(' ').map(Number);
  return { uid, name, groups };
}

/** Empty for a user whom nobody knows. */
async function say(option: string, uid: number): Promise<string> {
  const { stdout, failed } = await execa('id', [option, '--', String(uid)], { reject: false, stderr: 'ignore' });
  return failed ? '' : stdout.trim();
}
