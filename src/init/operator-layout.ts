import { join } from 'node:path';
import type { HostLayout } from '../host-setup/layout.ts';

/** Where `bulkhead init` puts things. All paths are absolute. */
export interface OperatorLayout extends HostLayout {
  readonly configDir: string;
  readonly policies: string;
  readonly seccompProfiles: string;
  readonly stateFolder: string;
  /** What init wrote, so that it can be undone. */
  readonly manifest: string;
  /** Where systemd looks for the units of Podman's user. */
  readonly userUnits: string;
  /** Where systemd looks for those of gc: the system's, or the user's. */
  readonly gcUnits: string;
}

/** Who calls, as getpwuid(3) says. */
export interface Caller {
  readonly uid: number;
  readonly username: string;
  readonly homedir: string;
}

/** The layout for whoever calls: root gets a dedicated user, anybody else the folders of XDG. Pure: touches nothing. */
export function operatorLayout(env: NodeJS.ProcessEnv, { uid, username, homedir }: Caller): OperatorLayout {
  const root = uid === 0;
  const home = (variable: string, otherwise: string) => env[variable] || join(homedir, otherwise);
  const configDir = root ? '/etc/bulkhead' : join(home('XDG_CONFIG_HOME', '.config'), 'bulkhead');
  const dataDir = root ? '/var/lib/bulkhead' : join(home('XDG_DATA_HOME', '.local/share'), 'bulkhead');
  const runDir = root ? '/run/bulkhead' : join(env['XDG_RUNTIME_DIR'] || `/run/user/${uid}`, 'bulkhead');
  const ownUnits = join(home('XDG_CONFIG_HOME', '.config'), 'systemd/user');
  return {
    user: root ? 'bulkhead' : username,
    dataDir,
    runDir,
    socket: join(runDir, 'podman.sock'),
    config: join(configDir, 'config.json'),
    configDir,
    policies: join(configDir, 'policies'),
    seccompProfiles: join(configDir, 'seccomp'),
    stateFolder: join(dataDir, 'state'),
    manifest: join(dataDir, 'init.json'),
    userUnits: root ? '/etc/systemd/user' : ownUnits,
    gcUnits: root ? '/etc/systemd/system' : ownUnits,
  };
}
