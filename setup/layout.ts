import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { HostLayout } from '../src/host-setup/layout.ts';

export type { HostLayout };

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
