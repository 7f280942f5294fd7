import type { SandboxSpec } from '../sandbox/specification.ts';
import type { Bundle } from './bundle.ts';
import type { SandboxFacts } from './sandbox-facts.ts';

type BundleMount = Bundle['mounts'][number];

/** File systems that hold nothing of the host's: gVisor makes them itself. Podman mounts them in every container. */
const ownFileSystems: Readonly<Record<string, readonly string[]>> = {
  '/proc': ['proc'],
  '/sys': ['sysfs'],
  '/sys/fs/cgroup': ['cgroup', 'cgroup2'],
  '/dev': ['tmpfs'],
  '/dev/pts': ['devpts'],
  '/dev/mqueue': ['mqueue'],
};

/** Files that Podman writes for each container, by their names in its own folder of that container. */
const podmanFiles: Readonly<Record<string, string>> = {
  '/etc/resolv.conf': 'resolv.conf',
  '/etc/hosts': 'hosts',
  '/etc/hostname': 'hostname',
  // For a user that the image does not know.
  '/etc/passwd': 'passwd',
  '/etc/group': 'group',
  '/run/.containerenv': '.containerenv',
  '/dev/shm': 'shm',
};

/** Podman puts a tmpfs on these when the root is read-only; its Docker-compatible API has no way to say no. */
const besideReadOnlyRoot = ['/run', '/tmp', '/var/tmp'];

/** Options of a tmpfs beside those demanded: how it is mounted, or what only takes something away. */
const harmless = new Set([
  ...['private', 'rprivate', 'tmpcopyup', 'notmpcopyup', 'relatime', 'noatime'],
  ...['ro', 'nosuid', 'nodev', 'noexec'],
]);

/** What is wrong with a mount that runsc was given; undefined when it is demanded, or Podman's own. */
export function explainMount(mount: BundleMount, facts: SandboxFacts, spec: SandboxSpec): string | undefined {
  const { destination, type = '', options = [] } = mount;
  const demanded = spec.mounts.find(({ target }) => target === destination);
  if (demanded?.kind === 'volume') return explainVolume(mount, facts, demanded);
  if (demanded !== undefined) {
    if (mount.source !== demanded.source) return `of ${mount.source}, not ${demanded.source}`;
    return options.includes('ro') ? undefined : 'that is writable';
  }
  const tmpfs = spec.tmpfs[destination];
  if (tmpfs !== undefined) return explainTmpfs(type, options, tmpfs);
  if (ownFileSystems[destination]?.includes(type)) return undefined;
  const file = podmanFiles[destination];
  if (file !== undefined && mount.source?.endsWith(`/${facts.container.id}/userdata/${file}`)) return undefined;
  if (spec.readOnlyRoot && type === 'tmpfs' && besideReadOnlyRoot.includes(destination)) return undefined;
  if (isImageVolume(mount, facts)) return undefined;
  return `that was not asked for (${type} of ${mount.source})`;
}

function explainVolume(
  { source, options = [], destination }: BundleMount,
  { container }: SandboxFacts,
  demanded: { readonly source: string; readonly readOnly: boolean },
): string | undefined {
  const volume = container.volumes.find(({ target }) => target === destination);
  if (volume?.name !== demanded.source) return `that is not the volume ${demanded.source}`;
  if (volume.source !== source) return `of ${source}, which is not the volume's folder`;
  if (demanded.readOnly && !options.includes('ro')) return 'that is writable';
  if (!demanded.readOnly && options.includes('ro')) return 'that is read-only';
  const lacking = ['nosuid', 'nodev'].find((option) => !options.includes(option));
  return lacking === undefined ? undefined : `without ${lacking}`;
}

function explainTmpfs(type: string, options: readonly string[], demanded: string): string | undefined {
  if (type !== 'tmpfs') return `that is no tmpfs but ${type}`;
  const asked = demanded.split(',');
  const absent = asked.find((option) => !options.includes(option));
  if (absent !== undefined) return `without ${absent}`;
  const more = options.find((option) => !asked.includes(option) && !harmless.has(option));
  return more === undefined ? undefined : `with ${more}`;
}

/** An image may declare folders as volumes; Podman makes an empty one with a random name for each, and cleanup removes it. */
function isImageVolume({ destination, source }: BundleMount, { container, image }: SandboxFacts): boolean {
  const volume = container.volumes.find(({ target }) => target === destination);
  if (volume === undefined || volume.source !== source || !/^[0-9a-f]{64}$/.test(volume.name)) return false;
  return image.volumes.some((path) => path === destination || path === `${destination}/`);
}
