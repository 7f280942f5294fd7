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

/** `<pid>:<start time in clock ticks since boot>`: unlike the pid alone, never used twice before a reboot. */
export async function processIdentity(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces and parentheses; fields count from the last one. starttime is field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return `${pid}:${fields[19]}`;
}
