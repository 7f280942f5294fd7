import { execaSync } from 'execa';
import { asPodmanUser, type PodmanUser } from '../src/host-setup/podman-user.ts';
import { systemdRuns } from './host.ts';
import { type HostLayout, hostLayout } from './layout.ts';

export type { PodmanUser };

/** The user of a set-up host. Throws when the account does not exist yet: set-up makes it. */
export function podmanUser(layout: HostLayout = hostLayout()): PodmanUser {
  const [name = '', , uid, gid] = execaSync('getent', ['passwd', layout.user]).stdout.split(':');
  return asPodmanUser({ name, uid: Number(uid), gid: Number(gid) }, layout, systemdRuns);
}
