import type { Reach } from '../policy/schema.ts';
import type { NetworkOf, ServiceRole } from './names.ts';

/** Everything there is to say about a job's Podman objects. Pure data: specify.ts makes it, podman/ turns it into requests. */

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

export type Mount = VolumeMount | HostFileMount;

export interface SandboxSpec {
  readonly role: 'helper' | 'build' | 'courier' | ServiceRole;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string;
  /** Names of the networks it is on, its way out first; none means that it has a loopback interface only. */
  readonly networks: readonly string[];
  /** `uid:gid`; undefined means the image's own user. */
  readonly user: string | undefined;
  /** Capabilities kept of an otherwise empty set, without `CAP_`. */
  readonly capabilities: readonly string[];
  /** Path of the seccomp profile, on the host of the Podman service. */
  readonly seccompProfile: string;
  readonly readOnlyRoot: boolean;
  /** systemd slice of the job that holds the sandbox; undefined where this host has none to give. */
  readonly slice: string | undefined;
  /** `NAME=value`, beside the image's own. */
  readonly environment: readonly string[];
  /** Path → mount options. */
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** Undefined: it runs nothing of its own, and keeps no log. */
  readonly service?: {
    /** What begins when the gate opens. */
    readonly command: readonly string[];
    /** Names by which the other sandboxes of the job find it. */
    readonly aliases: readonly string[];
  };
}

export interface NetworkSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly of: NetworkOf;
  /** Where its sandboxes may go by it; `job`: nowhere else, since only they are on it. */
  readonly reach: Exclude<Reach, 'none'>;
  /** Name of its bridge in the network namespace of the rootless Podman. */
  readonly interfaceName: string;
  /** Whether Podman's DNS server answers there. It asks the world for what it does not know, from internal networks, too. */
  readonly hasResolver: boolean;
}

export interface VolumeSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Size of a volume that is in memory; undefined means that it is on disk. */
  readonly tmpfsBytes: number | undefined;
}

export interface JobSpec {
  readonly networks: readonly NetworkSpec[];
  /** Gone with the job. */
  readonly volumes: readonly VolumeSpec[];
  /** Outlives the job; undefined when the policy gives no cache. */
  readonly cache: VolumeSpec | undefined;
  readonly courier: SandboxSpec;
  readonly helper: SandboxSpec;
  readonly build: SandboxSpec;
  readonly services: readonly SandboxSpec[];
}
