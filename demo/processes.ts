import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { readProcess } from '../src/host/process.ts';

/** A process of this host that belongs to one of the job's containers. */
export interface ContainerProcess {
  readonly pid: number;
  readonly name: string;
  /**
   * Podman's monitor of an exec. After the exec it only waits until exit_command_delay (containers.conf) has passed, so
   * that somebody may still ask for the exit code, and then ends by itself.
   */
  readonly execMonitor: boolean;
}

/** Every process whose command line names one of these containers: sandboxes, gofers, monitors. */
export async function processesOf(containerIds: readonly string[]): Promise<ContainerProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const processes = await Promise.all(pids.map(readProcess));
  return processes.flatMap((process) => {
    if (!process) return [];
    const { pid, commandLine } = process;
    const text = commandLine.join(' ');
    const id = containerIds.find((candidate) => text.includes(candidate));
    if (id === undefined) return [];
    const name = basename(commandLine[0] ?? '');
    // A container's own monitor carries the container's id after -u, an exec's monitor that of the exec.
    const execMonitor = name === 'conmon' && commandLine[commandLine.indexOf('-u') + 1] !== id;
    return [{ pid, name, execMonitor }];
  });
}
