import type { RootStep } from '../host-setup/root-steps.ts';
import { lingerStep, subordinateIdsStep } from '../host-setup/user-steps.ts';
import type { HostFacts } from './facts.ts';

/** A package's name with apt and with dnf. */
type Package = readonly [apt: string, dnf: string];

/** What init does not do itself: it installs no packages, and an ordinary user cannot do root's part. Pure. */
export function requirements(facts: HostFacts): RootStep[] {
  const { root, layout, subordinateIds, lingers, closedDevices } = facts;
  return [
    ...packages(facts),
    ...runsc(facts),
    ...closedDevices.map((device) => ({
      topic: 'devices',
      text: `opening ${device} to all users, as it is on stock hosts`,
      commands: [['chmod', '0666', device]] as const,
    })),
    ...(root || subordinateIds === undefined ? [] : [subordinateIdsStep(layout.user, subordinateIds)]),
    ...(root || lingers ? [] : [lingerStep(layout.user)]),
  ];
}

function packages(facts: HostFacts): RootStep[] {
  const missing = missingPackages(facts);
  if (missing.length === 0) return [];
  const manager = facts.release.debianLike ? 'apt' : facts.release.fedoraLike ? 'dnf' : undefined;
  const names = missing.map(([apt, dnf]) => (manager === 'dnf' ? dnf : apt));
  const install = {
    apt: ['apt-get', 'install', '-y', '--no-install-recommends', ...names],
    dnf: ['dnf', 'install', '-y', ...names],
  } as const;
  return [
    {
      topic: 'packages',
      text: `installing ${names.join(', ')}${manager === undefined ? " by this distribution's own means" : ''}`,
      commands: manager === undefined ? [] : [install[manager]],
    },
  ];
}

function missingPackages({ programs, helperPrograms, userBus, podmanMajor, release }: HostFacts): Package[] {
  const old = podmanMajor === undefined ? release.codename === 'bookworm' : podmanMajor < 5;
  const network: Package = old ? ['slirp4netns', 'slirp4netns'] : ['passt', 'passt'];
  const wanted: [missing: boolean, name: Package][] = [
    [programs.podman === undefined, ['podman', 'podman']],
    [programs.newuidmap === undefined, ['uidmap', 'shadow-utils']],
    [!helperPrograms.includes('netavark'), ['netavark', 'netavark']],
    [!helperPrograms.includes('aardvark-dns'), ['aardvark-dns', 'aardvark-dns']],
    [programs.iptables === undefined, ['iptables', 'iptables-nft']],
    [programs.nft === undefined, ['nftables', 'nftables']],
    [programs.catatonit === undefined, ['catatonit', 'catatonit']],
    [programs['fuse-overlayfs'] === undefined, ['fuse-overlayfs', 'fuse-overlayfs']],
    [programs[old ? 'slirp4netns' : 'pasta'] === undefined, network],
    [!userBus, ['dbus-user-session', 'dbus-broker']],
  ];
  return wanted.filter(([missing]) => missing).map(([, name]) => name);
}

function runsc({ programs, release }: HostFacts): RootStep[] {
  if (programs.runsc !== undefined) return [];
  const packaged = release.id === 'debian' && Number(release.version) >= 13;
  const where = packaged ? '' : ' as https://gvisor.dev/docs/user_guide/install says, to /usr/local/bin';
  return [
    {
      topic: 'runsc',
      text: `installing runsc${where}`,
      commands: packaged ? [['apt-get', 'install', '-y', '--no-install-recommends', 'runsc']] : [],
    },
  ];
}
