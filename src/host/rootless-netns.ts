import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inOwnGroup } from './own-group.ts';

/** Where a container is to be found on the host: all that leads from it to the namespace of its bridges. */
export interface ContainerPlace {
  /** Its monitor, which lives in the mount and user namespaces of the rootless Podman. */
  readonly conmonPid: number;
  /** File of the container's own network namespace, as Podman sees it. */
  readonly netnsFile: string;
  /** Its /etc/hosts, as Podman sees it. */
  readonly hostsFile: string;
}

/**
 * The network namespace that holds the bridges of a rootless Podman and its way out. What is in it decides where packets of
 * sandboxes go; no sandbox is in it. It goes when the last container on a network stops; an open one stays until it is closed.
 */
export class RootlessNetns implements AsyncDisposable {
  readonly #net: FileHandle;
  readonly #user: FileHandle;

  private constructor(net: FileHandle, user: FileHandle) {
    this.#net = net;
    this.#user = user;
  }

  /**
   * Finds the namespace that one of the bridges is in: a user may have several, of other Podmans.
   * @throws Error that says what was tried, when there is none that we may enter.
   */
  static async find(place: ContainerPlace, bridges: readonly string[]): Promise<RootlessNetns> {
    const problems: string[] = [];
    for (const path of await candidates(place)) {
      const netns = await RootlessNetns.#enter(place, path).catch((error: Error) => error);
      if (netns instanceof Error) {
        problems.push(netns.message);
        continue;
      }
      const devices = await netns.devices().catch((error: Error) => error);
      if (!(devices instanceof Error) && bridges.some((bridge) => devices.includes(bridge))) return netns;
      problems.push(devices instanceof Error ? devices.message : `the bridge ${bridges[0]} is not in ${path}`);
      await netns[Symbol.asyncDispose]();
    }
    throw new Error(problems.join('; ') || 'Podman keeps no network namespace where it should');
  }

  static async #enter(place: ContainerPlace, path: string): Promise<RootlessNetns> {
    const net = await open(join(rootOf(place), path), constants.O_RDONLY);
    try {
      return new RootlessNetns(net, await open(`/proc/${place.conmonPid}/ns/user`, constants.O_RDONLY));
    } catch (error) {
      await net.close();
      throw error;
    }
  }

  /** Names of the network interfaces in it. @throws Error with what went wrong. */
  async devices(): Promise<string[]> {
    const lines = (await this.run(['cat', '/proc/self/net/dev'])).split('\n').slice(2);
    return lines.flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? []);
  }

  /** Runs a program of the host in it, as its root. @returns standard output. @throws Error with what the program said. */
  async run([program = '', ...args]: readonly string[], input = ''): Promise<string> {
    const { execa } = await import('execa');
    const ours = (handle: FileHandle) => `/proc/${process.pid}/fd/${handle.fd}`;
    const namespaces = [`--user=${ours(this.#user)}`, `--net=${ours(this.#net)}`];
    const start = () =>
      execa('nsenter', [...namespaces, '--', program, ...args], {
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
        extendEnv: false,
        cwd: '/',
        detached: true,
        input,
        timeout: 30_000,
        reject: false,
        stripFinalNewline: false,
        // That of a table is some kilobytes; a namespace may hold those of many jobs.
        maxBuffer: 32 * 1024 * 1024,
      });
    const { failed, stdout, stderr, shortMessage } = await inOwnGroup(start);
    if (failed) throw new Error(stderr.trim() || shortMessage);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#net.close(), this.#user.close()]);
  }
}

/** A file as Podman sees it: rootless Podman has a mount namespace of its own. */
export function rootOf({ conmonPid }: ContainerPlace): string {
  return `/proc/${conmonPid}/root`;
}

/** Podman 4 keeps it beside those of containers; Podman 5 and 6 below their folder of running state. */
async function candidates(place: ContainerPlace): Promise<string[]> {
  const folder = dirname(place.netnsFile);
  const beside = await readdir(join(rootOf(place), folder)).catch(() => []);
  // <run root>/overlay-containers/<id>/userdata/hosts
  const runRoot = dirname(dirname(dirname(dirname(place.hostsFile))));
  return [
    ...beside.filter((name) => name.startsWith('rootless-netns')).map((name) => join(folder, name)),
    join(runRoot, 'networks/rootless-netns/rootless-netns'),
  ];
}
