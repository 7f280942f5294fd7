import type { Unavailable } from '../host/user-manager.ts';
import { type UserManager, userManager } from '../host/user-manager.ts';
import { type Check, type Finding, ok, warn } from './check.ts';

export const cgroups: Check = {
  id: 'cgroups',
  title: 'cgroups',
  about:
    "Limits of memory, tasks and processors need cgroup version 2, systemd, and the controllers `memory`, `pids` and `cpu` delegated to Podman's user ([limits](limits.md)). Without them jobs run unlimited, unless their policy requires limits.",
  look: async (host) => judgeCgroups(await userManager((await host.configuration.need()).socket)),
};

export function judgeCgroups(manager: Pick<UserManager, 'state' | 'uid'> | Unavailable): Finding {
  if (manager.state === 'unavailable') return warn(`no limits: ${manager.reason}`, manager.remedy);
  return ok(`version 2; systemd gives the user ${manager.uid} memory, pids and cpu`);
}
