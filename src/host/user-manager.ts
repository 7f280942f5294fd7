import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inOwnGroup } from './own-group.ts';

/** Why something of the host cannot be used, and what would change that. Also one of the states of an Observation. */
export interface Unavailable {
  readonly state: 'unavailable';
  readonly reason: string;
  readonly remedy: string;
}

/** The systemd instance of the user that owns the Podman service: cgroups of rootless containers are its to give. */
export interface UserManager {
  readonly state: 'available';
  readonly uid: number;
  /**
   * Runs one of systemd's programs against this manager, as its user.
   * @returns standard output.
   * @throws Error with what the program said.
   */
  run(program: 'busctl' | 'systemctl', ...args: string[]): Promise<string>;
}

/** Where to look; tests look elsewhere. */
export interface HostPaths {
  readonly run: string;
  readonly cgroup: string;
  readonly proc: string;
}

export const hostPaths: HostPaths = { run: '/run', cgroup: '/sys/fs/cgroup', proc: '/proc' };

const timeoutMs = 30_000;
const needed = ['memory', 'pids', 'cpu'];

/**
 * Finds the manager of the user that owns `socket`. Works for that user itself and for root.
 * @returns the manager, or why limits cannot be had on this host. Never throws for a host that merely lacks something.
 */
export async function userManager(
  socket: string,
  paths: HostPaths = hostPaths,
  caller: number = process.getuid?.() ?? -1,
): Promise<UserManager | Unavailable> {
  if (!(await exists(join(paths.cgroup, 'cgroup.controllers')))) {
    return unavailable(
      'this host uses cgroup version 1 (or both versions at once), whose limits rootless Podman cannot use',
      'Boot with systemd.unified_cgroup_hierarchy=1 on the kernel command line.',
    );
  }
  if (!(await exists(join(paths.run, 'systemd/system')))) {
    return unavailable(
      'systemd does not run on this host, and limits sit on slices that it makes',
      'Use a host that systemd runs.',
    );
  }
  const owner = await stat(socket).catch(() => undefined);
  if (owner === undefined) return unavailable(`there is no socket ${socket}`, 'Start the Podman service.');
  if (caller !== 0 && caller !== owner.uid) {
    return unavailable(
      `the driver runs as the user ${caller}, Podman as ${owner.uid}: it may not make slices for it`,
      "Run GitLab Runner as root or as Podman's user.",
    );
  }
  const session = join(paths.run, 'user', String(owner.uid));
  const home = await stat(session).catch(() => undefined);
  if (home === undefined || !(await exists(join(session, 'bus')))) {
    return unavailable(
      `systemd keeps no session with a bus for the user ${owner.uid} that owns Podman`,
      `Install dbus-user-session, and run, as root: loginctl enable-linger ${owner.uid}`,
    );
  }
  const missing = await notDelegated(paths, owner.uid);
  if (missing.length > 0) {
    return unavailable(
      `systemd does not delegate the cgroup controllers ${missing.join(', ')} to the user ${owner.uid}`,
      'Put "[Service]\\nDelegate=cpu memory pids" into /etc/systemd/system/user@.service.d/delegate.conf, then reboot.',
    );
  }
  return manager(owner.uid, home.gid, session);
}

function manager(uid: number, gid: number, session: string): UserManager {
  return {
    state: 'available',
    uid,
    async run(program, ...args) {
      // Only prepare and cleanup come here: the other stages need not wait for it to load.
      const { execa } = await import('execa');
      // The bus answers its own user only, not root.
      const asOwner = process.getuid?.() === 0 ? { uid, gid } : {};
      const env = {
        PATH: '/usr/bin:/bin',
        LC_ALL: 'C.UTF-8',
        XDG_RUNTIME_DIR: session,
        DBUS_SESSION_BUS_ADDRESS: `unix:path=${session}/bus`,
      };
      const start = () =>
        execa(program, ['--user', ...args], {
          ...asOwner,
          env,
          extendEnv: false,
          cwd: '/',
          detached: true,
          stdin: 'ignore',
          timeout: timeoutMs,
          reject: false,
        });
      const { failed, stdout, stderr, shortMessage } = await inOwnGroup(start);
      if (failed) throw new Error(stderr.trim() || shortMessage);
      return stdout;
    },
  };
}

/** The controllers that the user's manager cannot hand on. Nobody knows where it is if not at its usual place. */
async function notDelegated({ cgroup }: HostPaths, uid: number): Promise<string[]> {
  const file = join(cgroup, `user.slice/user-${uid}.slice/user@${uid}.service/cgroup.controllers`);
  const given = (await readFile(file, 'utf8').catch(() => needed.join(' '))).trim().split(' ');
  return needed.filter((controller) => !given.includes(controller));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function unavailable(reason: string, remedy: string): Unavailable {
  return { state: 'unavailable', reason, remedy };
}
