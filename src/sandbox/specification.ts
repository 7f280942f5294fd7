import { createHash } from 'node:crypto';
import type { Configuration } from '../configuration.ts';
import type { Job } from '../runner/job.ts';
import { sandboxPaths } from './layout.ts';
import { labelsFor, type Ownership, objectName } from './names.ts';

export interface VolumeMount {
  readonly kind: 'volume';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** A file of the host; only ever one that the operator's configuration names, and only read-only. */
export interface HostFileMount {
  readonly kind: 'host-file';
  readonly source: string;
  readonly target: string;
}

/** Everything there is to say about one container. Pure data: podman/create-options.ts turns it into an API request. */
export interface SandboxSpec {
  readonly role: 'helper' | 'build' | 'courier';
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string;
  /** Name of the job's network, or none. */
  readonly network: string | undefined;
  /** Capabilities kept of an otherwise empty set. */
  readonly capabilities: readonly string[];
  readonly seccompProfile: string;
  /** Path → mount options. */
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly mounts: readonly (VolumeMount | HostFileMount)[];
}

export interface JobSpec {
  readonly network: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly volumes: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[];
  readonly courier: SandboxSpec;
  readonly helper: SandboxSpec;
  readonly build: SandboxSpec;
}

/** What package managers need to install: own and chmod files of others, and drop to (and end) their download user. */
const packageInstallation = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID'] as const;
/** The helper works on files of whatever user the build image has, and ends leftover processes; it becomes nobody. */
const fileManagement = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL'] as const;
const tmp = { '/tmp': 'rw,exec,nosuid,nodev,mode=1777' };

/** The built-in policy's name and content hash, as labels carry them. */
export const builtInPolicy = {
  name: 'built-in',
  hash: createHash('sha256')
    .update(JSON.stringify({ packageInstallation, fileManagement, tmp }))
    .digest('hex')
    .slice(0, 16),
} as const;

/** The locked-down default: what a job gets, whatever it asks for. */
export function specifyJob(job: Job, configuration: Configuration, owner: Ownership): JobSpec {
  const object = (role: Parameters<typeof objectName>[1]) => ({
    name: objectName(job, role),
    labels: labelsFor(job, role, owner),
  });
  const network = object('network');
  const builds = object('builds');
  const scripts = object('scripts');

  const volume = (source: string, target: string, readOnly: boolean): VolumeMount => ({
    kind: 'volume',
    source,
    target,
    readOnly,
  });
  const common = {
    hostname: `job-${job.id}`,
    seccompProfile: configuration.seccompProfile,
    network: network.name,
    tmpfs: tmp,
  };
  const shared = [volume(builds.name, sandboxPaths.builds, false), volume(scripts.name, sandboxPaths.driver, true)];
  const runnerBinary: HostFileMount[] =
    configuration.gitlabRunner === undefined
      ? []
      : [{ kind: 'host-file', source: configuration.gitlabRunner, target: sandboxPaths.gitlabRunner }];

  return {
    network,
    volumes: [builds, scripts],
    // Never started: the way into the volumes, since Podman cannot copy into a running gVisor sandbox.
    courier: {
      ...common,
      ...object('courier'),
      role: 'courier',
      network: undefined,
      capabilities: [],
      tmpfs: {},
      mounts: [volume(builds.name, sandboxPaths.builds, false), volume(scripts.name, sandboxPaths.driver, false)],
    },
    helper: {
      ...common,
      ...object('helper'),
      role: 'helper',
      capabilities: fileManagement,
      mounts: [...shared, ...runnerBinary],
    },
    build: { ...common, ...object('build'), role: 'build', capabilities: packageInstallation, mounts: shared },
  };
}
