import { dirname } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { walkPath } from '../host/path-walk.ts';
import { shellWord } from '../host/shell-word.ts';
import { requireTrustedFolder } from '../host/trusted-file.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

export const podmanSocket: Check = {
  id: 'podman-socket',
  title: 'Podman socket',
  about:
    "Whoever can open the socket can do with Podman what its user can: read every job's files, change images, start what they like. So only that user and root may, and nobody else may put another socket in its place.",
  async look(host) {
    const { socket } = await host.configuration.need();
    const walk = walkPath(socket);
    if (walk === undefined) return noSocket(socket);
    const { mode, uid, gid } = walk.end.status;
    const folders = walk.passed.filter(({ status }) => status.isDirectory());
    return judgeSocket({
      socket,
      isSocket: walk.end.status.isSocket(),
      mode,
      uid,
      gid,
      folderModes: folders.map(({ status }) => status.mode),
      replaceable: replaceable(socket, uid),
    });
  },
};

export interface SocketFacts {
  readonly socket: string;
  readonly isSocket: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of all folders on the way to it. */
  readonly folderModes: readonly number[];
  /** That somebody else could put another socket in its place, and what prevents it. */
  readonly replaceable: { readonly why: string; readonly fix: string } | undefined;
}

function replaceable(socket: string, owner: number): SocketFacts['replaceable'] {
  try {
    requireTrustedFolder(dirname(socket), { also: [owner] });
    return undefined;
  } catch (error) {
    if (error instanceof BulkheadError) return { why: error.message, fix: error.hint };
    throw error;
  }
}

export function noSocket(socket: string): Finding {
  return fail(
    `there is no socket ${socket}`,
    'Start the Podman service that owns it (bulkhead init, where that set the host up), or name its socket as "socket" in the configuration.',
  );
}

export function judgeSocket(facts: SocketFacts): Finding {
  const { socket, isSocket, mode, uid, gid, folderModes } = facts;
  if (!isSocket) return fail(`${socket} is not a socket`, 'Name that of the Podman service as "socket".');
  if (facts.replaceable !== undefined) return fail(facts.replaceable.why, facts.replaceable.fix);
  // Connecting takes the right to write to the socket, and to pass every folder above it.
  const may = (write: number, search: number) =>
    (mode & write) !== 0 && folderModes.every((one) => (one & search) !== 0);
  const owner = `owner ${uid}, mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`;
  if (may(0o002, 0o001))
    return fail(`every user of this host can open ${socket} (${owner})`, `chmod 0600 ${shellWord(socket)}`);
  if (may(0o020, 0o011)) {
    return warn(
      `members of the group ${gid} can open ${socket} (${owner}), as well as anyone in it`,
      `chmod 0600 ${shellWord(socket)}`,
    );
  }
  return ok(`${socket}: only root and its owner can open it (${owner})`);
}
