import { readdirSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** What the kernel says about a process of this host. */
export interface HostProcess {
  readonly pid: number;
  /** argv, as the process shows it. */
  readonly commandLine: readonly string[];
  /** Real user id, in the host's user namespace. */
  readonly uid: number;
}

/** Reads /proc; undefined when there is no such process (any more). */
export async function readProcess(pid: number): Promise<HostProcess | undefined> {
  try {
    const [commandLine, status] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ]);
    const uid = /^Uid:\t(\d+)/m.exec(status)?.[1];
    if (uid === undefined) return undefined;
    return { pid, commandLine: commandLine.split('\0').slice(0, -1), uid: Number(uid) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** `net:[…]`, the same for processes that share it; undefined when there is no such process, or it may not be looked at. */
export function networkNamespace(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** The processes of this host in a network namespace, as far as they may be looked at. Synchronous: that takes 2 ms. */
export function processesInNetworkNamespace(namespace: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => networkNamespace(pid) === namespace);
}
