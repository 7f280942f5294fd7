import { allDone } from '../all-done.ts';
import { BulkheadError } from '../errors.ts';
import type { ContainerPlace } from '../host/rootless-netns.ts';
import { labelKeys } from '../sandbox/names.ts';
import type { Neighbours } from '../sandbox/neighbours.ts';
import type { JobSpec, SandboxSpec } from '../sandbox/specification.ts';
import { type Podman, request } from './client.ts';
import { createOptions } from './create-options.ts';
import { inspectContainer } from './libpod.ts';

/** Creates the container; returns its id. */
export async function createSandbox(
  podman: Podman,
  spec: SandboxSpec,
  imageId: string,
  neighbours?: Neighbours,
): Promise<string> {
  const options = createOptions(spec, imageId, neighbours);
  return (await request(`create ${spec.role}`, podman.createContainer(options))).id;
}

/** What Podman says when the image has no such user or group (of a job, or of the image's own USER). */
const unknownUser = /no matching entries in (?:passwd|group) file|uids and gids must be in range/;

/** @throws BulkheadError `sandbox-start-failed` or `image-user-unknown`. */
export async function startSandbox(podman: Podman, spec: SandboxSpec): Promise<void> {
  try {
    await request(`start ${spec.role}`, podman.getContainer(spec.name).start());
  } catch (cause) {
    const { message } = cause as Error;
    if (unknownUser.test(message)) {
      throw new BulkheadError(
        'image-user-unknown',
        `the ${spec.role} sandbox cannot run as the user that was asked for: ${message}`,
        'Name a user and a group that the image has, or their numbers; without "user", the image\'s USER counts.',
        { cause },
      );
    }
    throw new BulkheadError(
      'sandbox-start-failed',
      `the ${spec.role} sandbox did not start: ${message}`,
      "Look at the Podman service's log; try: podman run --rm <image> true, as the service's user.",
      { cause },
    );
  }
}

/**
 * Starts the job's sandboxes. The first that is on a network starts alone: with it netavark starts Podman's DNS server, and
 * of two that do so at once (seen with 1.4) each starts its own. The one that gets the address knows half of the names.
 * @throws BulkheadError `sandbox-start-failed` or `image-user-unknown`.
 */
export async function startSandboxes(podman: Podman, { helper, build, services }: JobSpec): Promise<void> {
  const sandboxes = [helper, build, ...services];
  const alone = sandboxes.findIndex(({ networks }) => networks.length > 0) + 1;
  for (const spec of sandboxes.slice(0, alone)) await startSandbox(podman, spec);
  await allDone(sandboxes.slice(alone).map((spec) => startSandbox(podman, spec)));
}

/** Ids of the job's containers that run. @throws BulkheadError of the request. */
export async function runningSandboxes(podman: Podman, jobKey: string): Promise<string[]> {
  const filters = { label: [`${labelKeys.job}=${jobKey}`] };
  return (await request('list sandboxes', podman.listContainers({ filters }))).map(({ Id }) => Id);
}

/** What only libpod's own API tells about a running container: the Docker-compatible one says "oci" for any runtime. */
export interface RuntimeFacts {
  /** The container's full id. */
  readonly id: string;
  /** Name of the OCI runtime that really runs it. */
  readonly ociRuntime: string;
  /** The sandbox process, in the host's pid namespace. */
  readonly pid: number;
  /** `sha256:…` of the image that it was made of. */
  readonly imageId: string;
  /** Names of the networks that it is on. */
  readonly networks: readonly string[];
  /** The volumes that it mounts, anonymous ones too. */
  readonly volumes: readonly { readonly name: string; readonly source: string; readonly target: string }[];
}

/** The part of libpod's answer that counts here. */
interface Inspection {
  readonly Id: string;
  readonly OCIRuntime: string;
  readonly Image: string;
  readonly State: { readonly Pid: number };
  readonly Mounts?: readonly { Type: string; Name?: string; Source: string; Destination: string }[] | null;
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null };
}

export async function runtimeFacts(podman: Podman, container: string): Promise<RuntimeFacts> {
  const answer = await request('inspect runtime', inspectContainer<Inspection>(podman, container));
  return {
    id: answer.Id,
    ociRuntime: answer.OCIRuntime,
    pid: answer.State.Pid,
    imageId: `sha256:${answer.Image.replace(/^sha256:/, '')}`,
    // Podman 5 lists having none as one of that name, which no network can have.
    networks: Object.keys(answer.NetworkSettings?.Networks ?? {}).filter((name) => name !== 'none'),
    volumes: (answer.Mounts ?? [])
      .filter(({ Type }) => Type === 'volume')
      .map(({ Name = '', Source, Destination }) => ({ name: Name, source: Source, target: Destination })),
  };
}

/** The part of libpod's answer that leads to a running container on the host. */
interface Whereabouts {
  readonly HostsPath: string;
  readonly State: { readonly ConmonPid: number };
  readonly NetworkSettings: { readonly SandboxKey: string };
}

/** Where a running container that is on a network is to be found. @throws BulkheadError of the request. */
export async function containerPlace(podman: Podman, container: string): Promise<ContainerPlace> {
  const { HostsPath, State, NetworkSettings } = await request(
    'inspect place',
    inspectContainer<Whereabouts>(podman, container),
  );
  return { conmonPid: State.ConmonPid, netnsFile: NetworkSettings.SandboxKey, hostsFile: HostsPath };
}
