import { type OutwardRole, outwardRoles } from '../policy/network-rule.ts';
import type { Settings } from '../policy/schema.ts';
import type { Job } from '../runner/job.ts';
import { entrypointLabel } from './entrypoint.ts';
import { sandboxPaths } from './layout.ts';
import {
  cacheLabels,
  cacheName,
  interfaceName,
  labelKeys,
  labelsFor,
  type NetworkOf,
  type Ownership,
  objectName,
  type Role,
} from './names.ts';
import type { JobSpec, Mount, NetworkSpec, VolumeMount, VolumeSpec } from './specification.ts';
import { parseUlimits } from './ulimits.ts';
import { isRoot } from './user.ts';

/** The helper works on files of whatever user the build image has, and ends leftover processes. */
const fileManagement: ReadonlySet<string> = new Set(['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL']);
/** Who the helper is when the job may not be root and brings a user of its own. */
const nobody = '65534:65534';

/** What the host has to offer for the job, as the operator configured it. */
export interface HostOffer {
  /** Path of the profile that the policy names, on the host of the Podman service. */
  readonly seccompProfile: string;
  /** gitlab-runner binary for cache and artifacts. */
  readonly gitlabRunner: string | undefined;
  /** The job's systemd slice. */
  readonly slice: string | undefined;
  /** Slices within it, of services that have one of their own, by their place in the job's list. */
  readonly serviceSlices?: ReadonlyMap<number, string> | undefined;
}

/** The build sandbox, as far as the job and its image decide what it is. */
export interface BuildDemand {
  /** As Podman takes it; undefined means the image's own. */
  readonly user: string | undefined;
  /** Whom the image runs as; empty means root. */
  readonly imageUser: string;
  /** What scripts are started by; empty for none. */
  readonly entrypoint: readonly string[];
}

/** A service of the job, as far as the job and its image decide what it is. */
export interface ServiceDemand {
  /** Its place in the job's list. */
  readonly index: number;
  /** argv. */
  readonly command: readonly string[];
  readonly aliases: readonly string[];
  /** `NAME=value`, beside the image's own. */
  readonly environment: readonly string[];
  /** As Podman takes it; undefined means the image's own. */
  readonly user: string | undefined;
  /** Whom the image runs as; empty means root. */
  readonly imageUser: string;
}

/** What a job gets under a policy, whatever it asks for. Pure. */
export function specifyJob(
  job: Job,
  settings: Settings,
  host: HostOffer,
  owner: Ownership,
  { user: buildUser, imageUser, entrypoint }: BuildDemand = {
    user: settings.user.run === 'image' ? undefined : settings.user.run,
    imageUser: '',
    entrypoint: [],
  },
  services: readonly ServiceDemand[] = [],
): JobSpec {
  const object = (role: Role) => ({ name: objectName(job, role), labels: labelsFor(job, role, owner) });
  const networks = specifyNetworks(job, settings, services.length > 0, object);
  const tmpfsBytes = settings.builds === 'memory' ? settings.limits.disk : undefined;
  const builds: VolumeSpec = { ...object('builds'), tmpfsBytes };
  const scripts: VolumeSpec = { ...object('scripts'), tmpfsBytes: undefined };
  const cache = specifyCache(job, settings);

  const common = {
    hostname: `job-${job.id}`,
    seccompProfile: host.seccompProfile,
    slice: host.slice,
    readOnlyRoot: settings.rootFilesystem === 'read-only',
    tmpfs: Object.fromEntries(
      Object.entries(settings.tmpfs).flatMap(([path, bytes]) =>
        bytes === 'none' ? [] : [[path, `rw,exec,nosuid,nodev,mode=1777,size=${bytes}`]],
      ),
    ),
    environment: homeIsWritable(settings) ? [] : ['HOME=/tmp'],
  };
  const data = [
    volume(builds, sandboxPaths.builds, false),
    ...(cache === undefined ? [] : [volume(cache, sandboxPaths.cache, false)]),
  ];
  const shared = [...data, volume(scripts, sandboxPaths.driver, true)];
  const runnerBinary: Mount[] =
    host.gitlabRunner === undefined
      ? []
      : [{ kind: 'host-file', source: host.gitlabRunner, target: sandboxPaths.gitlabRunner }];

  return {
    networks,
    volumes: [builds, scripts],
    cache,
    // Never started: the way into the volumes, since Podman cannot copy into a running gVisor sandbox.
    courier: {
      ...common,
      ...object('courier'),
      role: 'courier',
      networks: [],
      user: '0:0',
      capabilities: [],
      slice: undefined,
      tmpfs: {},
      environment: [],
      mounts: [...data, volume(scripts, sandboxPaths.driver, false)],
    },
    // Hooks of the job run in the helper, so it gets nothing that the build sandbox does not get.
    helper: {
      ...common,
      ...object('helper'),
      role: 'helper',
      networks: networksFor('helper', settings, networks),
      user: helperUser(settings),
      capabilities: rootsOnly(settings, helperUser(settings)).filter((name) => fileManagement.has(name)),
      mounts: [...shared, ...runnerBinary],
    },
    build: {
      ...common,
      ...object('build'),
      labels: { ...object('build').labels, [labelKeys.entrypoint]: entrypointLabel(entrypoint) },
      role: 'build',
      networks: networksFor('build', settings, networks),
      user: buildUser,
      capabilities: rootsOnly(settings, buildUser ?? imageUser),
      mounts: shared,
    },
    // As the build sandbox, with the job's volumes, too: the Docker executor mounts them in services.
    services: services.map(({ index, command, aliases, environment, user, imageUser }) => ({
      ...common,
      ...object(`service-${index}`),
      role: `service-${index}`,
      slice: host.serviceSlices?.get(index) ?? host.slice,
      hostname: `service-${index}`,
      networks: networksFor('services', settings, networks),
      user,
      capabilities: rootsOnly(settings, user ?? imageUser),
      environment: [...common.environment, ...environment],
      mounts: shared,
      service: { command: gated(command, owner.ulimits), aliases },
    })),
  };
}

/** argv that waits until the job's sandboxes are proven, and then becomes the service. */
function gated(command: readonly string[], ulimits: string): string[] {
  return [sandboxPaths.probe, 'gate', sandboxPaths.gate, ...(parseUlimits(ulimits) ?? []), '--', ...command];
}

/**
 * A way out for each of helper, build and services that has one, apart from those of the others: rules see by which bridge a
 * packet came, and a sandbox can claim any address. Beside them one network without a way out, where the job's sandboxes meet.
 */
function specifyNetworks(
  job: Job,
  { network }: Settings,
  hasServices: boolean,
  object: (role: Role) => Pick<NetworkSpec, 'name' | 'labels'>,
): NetworkSpec[] {
  const present = outwardRoles.filter((role) => role !== 'services' || hasServices);
  const specify = (of: NetworkOf, reach: NetworkSpec['reach']): NetworkSpec => ({
    ...object(`network-${of}`),
    of,
    reach,
    interfaceName: interfaceName(job, of),
    hasResolver: reach === 'egress',
  });
  const meets = present.some((role) => network[role] === 'job') || (hasServices && network.services !== 'none');
  return [
    ...present.flatMap((role) => {
      const reach = network[role];
      return reach === 'egress' || reach === 'listed' ? [specify(role, reach)] : [];
    }),
    ...(meets ? [specify('internal', 'job')] : []),
  ];
}

/** Whoever may reach out may reach the job's own sandboxes, too. The first is the way out. */
function networksFor(role: OutwardRole, { network }: Settings, networks: readonly NetworkSpec[]): string[] {
  if (network[role] === 'none') return [];
  return networks.filter(({ of }) => of === role || of === 'internal').map(({ name }) => name);
}

function specifyCache(job: Job, settings: Settings): VolumeSpec | undefined {
  if (settings.cache === 'none') return undefined;
  const tier = settings.cache === 'project' ? 'all' : job.protected ? 'protected' : 'unprotected';
  return { name: cacheName(job, tier), labels: cacheLabels(job, tier), tmpfsBytes: undefined };
}

/**
 * Another user than root has no capability, as with Docker: Podman would hand it all that are added, and runsc (since 2025)
 * lets it use them. It could not get one by a setuid program either, under no-new-privileges.
 */
function rootsOnly({ capabilities }: Settings, user: string): Settings['capabilities'] {
  return isRoot(user) ? capabilities : [];
}

function helperUser({ user }: Settings): string {
  if (user.run !== 'image') return user.run;
  return user.root === 'allowed' ? '0:0' : nobody;
}

/** A user that the image does not know, or a root file system that nobody can write, leaves no home to write to. */
function homeIsWritable({ user, rootFilesystem }: Settings): boolean {
  return user.run === 'image' && user.root === 'allowed' && rootFilesystem === 'ephemeral';
}

function volume({ name }: VolumeSpec, target: string, readOnly: boolean): VolumeMount {
  return { kind: 'volume', source: name, target, readOnly };
}
