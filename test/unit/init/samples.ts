import type { HostFacts } from '../../../src/init/facts.ts';
import { operatorLayout } from '../../../src/init/operator-layout.ts';

export const root = { uid: 0, username: 'root', homedir: '/root' };
export const alice = { uid: 1000, username: 'alice', homedir: '/home/alice' };

export const debian13 = { id: 'debian', version: '13', codename: 'trixie', debianLike: true, fedoraLike: false };
export const debian12 = { ...debian13, version: '12', codename: 'bookworm' };
export const fedora = { id: 'fedora', version: '43', codename: '', debianLike: false, fedoraLike: true };

/** A Debian 13 with all packages, where root calls init for the first time. */
export function facts(changes: Partial<HostFacts> = {}): HostFacts {
  return {
    root: true,
    layout: operatorLayout({}, root),
    release: debian13,
    systemd: true,
    cgroup2: true,
    delegated: ['cpu', 'io', 'memory', 'pids'],
    programs: {
      podman: '/usr/bin/podman',
      newuidmap: '/usr/bin/newuidmap',
      iptables: '/usr/sbin/iptables',
      nft: '/usr/sbin/nft',
      catatonit: '/usr/bin/catatonit',
      'fuse-overlayfs': '/usr/bin/fuse-overlayfs',
      pasta: '/usr/bin/pasta',
      runsc: '/usr/bin/runsc',
      node: '/usr/bin/node',
      'gitlab-runner': '/usr/bin/gitlab-runner',
      'apt-get': '/usr/bin/apt-get',
    },
    helperPrograms: ['netavark', 'aardvark-dns'],
    userBus: true,
    podmanMajor: 5,
    runscVersion: 'runsc version release-20240729.0',
    closedDevices: [],
    cniFolder: false,
    userGroup: undefined,
    subordinateIds: '100000-165535',
    lingers: false,
    developerSetUp: false,
    product: '/opt/bulkhead',
    productUnsafe: undefined,
    node: '/usr/bin/node',
    shipped: { policies: { 'baseline.json': '{}\n' }, seccomp: { 'baseline.json': '{}\n' } },
    ...changes,
  };
}
