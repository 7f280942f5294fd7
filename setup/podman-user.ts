import { join } from 'node:path';
import { execa, execaSync, type Options, type ResultPromise } from 'execa';
import { SERVICE_PATH } from './find-program.ts';
import { isRoot, systemdRuns } from './host.ts';
import { type HostLayout, hostLayout } from './layout.ts';

/** The user that owns the dedicated Podman, and the way to run a command exactly as its service runs. */
export interface PodmanUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** The whole environment: nothing of the caller's (proxies, tokens, registry logins) reaches Podman. */
  readonly env: Readonly<Record<string, string>>;
  /** The command line that becomes this user, then runs `file`; environment and working directory are the caller's task. */
  commandLine(file: string, args?: readonly string[]): [string, ...string[]];
  /** Runs `file` as this user in this environment, e.g. `exec('podman', ['ps'])`. Errors: execa's. */
  exec<T extends Options>(file: string, args?: readonly string[], options?: T): ResultPromise<T>;
}

/** The user of a set-up host. Throws when the account does not exist yet: set-up makes it. */
export function podmanUser(layout: HostLayout = hostLayout()): PodmanUser {
  const [name = '', , uid, gid] = execaSync('getent', ['passwd', layout.user]).stdout.split(':');
  const user = { name, uid: Number(uid), gid: Number(gid) };
  const env = {
    HOME: join(layout.dataDir, 'home'),
    // Under systemd, what set-up put into bin stands before a program of systemd's: systemd-run.sh says why.
    PATH: systemdRuns ? `${join(layout.dataDir, 'bin')}:${SERVICE_PATH}` : SERVICE_PATH,
    LANG: 'C.UTF-8',
    // Podman keeps its running state below this folder, whatever its configuration says: ours, shared with nobody's Podman.
    XDG_RUNTIME_DIR: layout.runDir,
    // Through systemd's bus Podman gives every sandbox a scope of its own.
    ...(systemdRuns && { DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${user.uid}/bus` }),
    CONTAINERS_CONF: join(layout.dataDir, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(layout.dataDir, 'storage.conf'),
    CONTAINERS_REGISTRIES_CONF: join(layout.dataDir, 'registries.conf'),
  };
  const commandLine = (file: string, args: readonly string[] = []): [string, ...string[]] =>
    isRoot
      ? ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--', file, ...args]
      : [file, ...args];
  return {
    ...user,
    env,
    commandLine,
    exec<T extends Options>(file: string, args: readonly string[] = [], options = {} as T) {
      const [program, ...rest] = commandLine(file, args);
      // The caller's working directory may be closed to this user, and Podman refuses to start in such a one.
      const own = { cwd: env.HOME, env, extendEnv: false } as const;
      const stdin = ['stdio', 'stdin', 'input', 'inputFile'].some((name) => name in options)
        ? {}
        : { stdin: 'ignore' as const };
      return execa(program, rest, { ...own, ...stdin, ...options }) as unknown as ResultPromise<T>;
    },
  };
}
