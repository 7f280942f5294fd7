import { join } from 'node:path';
import { execa, type Options, type ResultPromise } from 'execa';
import { SERVICE_PATH } from './find-program.ts';
import type { HostLayout } from './layout.ts';

/** An account of the host. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user that owns the dedicated Podman, and the way to run a command exactly as its service runs. */
export interface PodmanUser extends Account {
  /** The whole environment: nothing of the caller's (proxies, tokens, registry logins) reaches Podman. */
  readonly env: Readonly<Record<string, string>>;
  /** The command line that becomes this user, then runs `file`; environment and working directory are the caller's task. */
  commandLine(file: string, args?: readonly string[]): [string, ...string[]];
  /** Runs `file` as this user in this environment, e.g. `exec('podman', ['ps'])`. Errors: execa's. */
  exec<T extends Options>(file: string, args?: readonly string[], options?: T): ResultPromise<T>;
}

/**
 * The environment of the Podman service.
 * @param session the folder of the user's systemd session, `/run/user/<uid>`; undefined where no systemd runs.
 */
export function serviceEnvironment({ dataDir, runDir }: HostLayout, session?: string): Record<string, string> {
  return {
    HOME: join(dataDir, 'home'),
    // Under systemd, what set-up put into bin stands before a program of systemd's: systemd-run.ts says why.
    PATH: session === undefined ? SERVICE_PATH : `${join(dataDir, 'bin')}:${SERVICE_PATH}`,
    LANG: 'C.UTF-8',
    // Podman keeps its running state below this folder, whatever its configuration says: ours, shared with nobody's Podman.
    XDG_RUNTIME_DIR: runDir,
    // Through systemd's bus Podman gives every sandbox a scope of its own.
    ...(session !== undefined && { DBUS_SESSION_BUS_ADDRESS: `unix:path=${session}/bus` }),
    CONTAINERS_CONF: join(dataDir, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(dataDir, 'storage.conf'),
    CONTAINERS_REGISTRIES_CONF: join(dataDir, 'registries.conf'),
  };
}

/** @param systemd whether the service runs under the user's systemd. */
export function asPodmanUser(account: Account, layout: HostLayout, systemd: boolean): PodmanUser {
  const env = serviceEnvironment(layout, systemd ? `/run/user/${account.uid}` : undefined);
  const { uid, gid } = account;
  const commandLine = (file: string, args: readonly string[] = []): [string, ...string[]] =>
    process.getuid?.() === 0
      ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', file, ...args]
      : [file, ...args];
  return {
    ...account,
    env,
    commandLine,
    exec<T extends Options>(file: string, args: readonly string[] = [], options = {} as T) {
      const [program, ...rest] = commandLine(file, args);
      // The caller's working directory may be closed to this user, and Podman refuses to start in such a one.
      const own = { cwd: env['HOME'] ?? '/', env, extendEnv: false } as const;
      const stdin = ['stdio', 'stdin', 'input', 'inputFile'].some((name) => name in options)
        ? {}
        : { stdin: 'ignore' as const };
      return execa(program, rest, { ...own, ...stdin, ...options }) as unknown as ResultPromise<T>;
    },
  };
}
