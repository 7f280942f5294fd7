import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Where the development host set-up keeps its things, and as whom Podman runs. All paths are absolute. */
export interface HostLayout {
  /** The unprivileged user that owns the Podman service: `bulkhead` when set-up runs as root, else the caller. */
  readonly user: string;
  /** Persistent data: Podman storage, the service's configuration, seccomp profiles, the driver's configuration. */
  readonly dataDir: string;
  /** Sockets and process ids; mode 0700, gone after a reboot. */
  readonly runDir: string;
  /** The Docker-compatible API socket of the dedicated Podman service. */
  readonly socket: string;
  /** The driver configuration that set-up writes; pass it as BULKHEAD_CONFIG. */
  readonly config: string;
}

/** The layout for whoever calls: root gets a dedicated user, anybody else uses their own home. Pure: touches nothing. */
export function hostLayout(env: NodeJS.ProcessEnv = process.env, caller = userInfo()): HostLayout {
  const root = caller.uid === 0;
  const dataDir = root
    ? '/var/lib/bulkhead'
    : join(env['XDG_DATA_HOME'] || join(caller.homedir || homedir(), '.local/share'), 'bulkhead');
  const runDir = root ? '/run/bulkhead' : join(env['XDG_RUNTIME_DIR'] || join(dataDir, 'run'), 'bulkhead');
  return {
    user: root ? 'bulkhead' : caller.username,
    dataDir,
    runDir,
    socket: join(runDir, 'podman.sock'),
    config: join(dataDir, 'config.json'),
  };
}
