import { missingPodmanPackages } from '../host-setup/needed-packages.ts';
import type { RootStep } from '../host-setup/root-steps.ts';
import { lingerStep, subordinateIdsStep } from '../host-setup/user-steps.ts';
import type { HostFacts } from './facts.ts';

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

function packages({ programs, helperPrograms, userBus, podmanMajor, release }: HostFacts): RootStep[] {
  const missing = missingPodmanPackages({
    program: (name) => name in programs,
    helperProgram: (name) => helperPrograms.includes(name),
    userBus,
    podmanMajor: podmanMajor ?? (release.codename === 'bookworm' ? 4 : 5),
  });
  if (missing.length === 0) return [];
  const manager = release.debianLike ? 'apt' : release.fedoraLike ? 'dnf' : undefined;
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
