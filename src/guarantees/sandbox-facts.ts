import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type HostProcess, networkNamespace, processesInNetworkNamespace, readProcess } from '../host/process.ts';
import type { GuardSight } from '../network/guard.ts';
import { type Podman, request } from '../podman/client.ts';
import { type RuntimeFacts, runtimeFacts } from '../podman/containers.ts';
import { execute } from '../podman/exec.ts';
import { libpod } from '../podman/libpod.ts';
import type { SeccompProfile } from '../sandbox/seccomp-profile.ts';
import type { SandboxSpec } from '../sandbox/specification.ts';
import { type Bundle, parseBundle } from './bundle.ts';
import { longestReport, type ProbeReport, parseProbe, probeCommand } from './probe.ts';
import { deniedCalls } from './seccomp-rules.ts';

// All I/O of the proofs is here, once per sandbox. What was seen goes into the pure functions beside this file.

/** What a sandbox is held against. */
export interface SandboxDemand {
  readonly spec: SandboxSpec;
  /** `sha256:…` of the image that was resolved for it. */
  readonly imageId: string;
  /** `sha256:…` of the manifest that the image was named by; undefined when it was named otherwise. */
  readonly digest?: string | undefined;
  /** The content of `spec.seccompProfile`. */
  readonly profile: SeccompProfile;
  /** Ports of this host that answer, as `<address>:<port>`, and that the sandbox must not reach. */
  readonly canaries?: readonly string[];
}

/** Something that was looked for. */
export type Seen<T> = { readonly seen: T } | { readonly unseen: string };

/** What can be seen of a sandbox without running anything in it. */
export interface HostFacts {
  readonly container: RuntimeFacts;
  /** The sandbox process; undefined when there is none. */
  readonly process: HostProcess | undefined;
  readonly network: NetworkFacts;
  /** The OCI bundle that the sandbox process names. */
  readonly bundle: Seen<Bundle>;
}

/** Network namespaces, as `net:[…]`. */
export interface NetworkFacts {
  /** The sandbox's; undefined when this driver may not look at it. */
  readonly sandbox: string | undefined;
  readonly driver: string | undefined;
  /** PID 1's, which only root may look at. */
  readonly host: string | undefined;
  /** Ids of other containers with a sandbox process in the same one. */
  readonly sharedWith: readonly string[];
}

/** Everything that guarantees are judged by. */
export interface SandboxFacts extends HostFacts {
  readonly probe: Seen<ProbeReport>;
  readonly image: ImageFacts;
  /** By name, of the networks that the sandbox should be on. */
  readonly networks: Readonly<Record<string, { readonly internal: boolean; readonly interfaceName: string }>>;
  /** The rules on its way out, looked at when its probe had tried them; undefined when nobody loaded any. */
  readonly guard: Seen<GuardSight> | undefined;
}

export interface ImageFacts {
  /** `registry/path@sha256:…` of every manifest it is known by. */
  readonly digests: readonly string[];
  /** Paths that the image declares as volumes: Podman puts an anonymous one at each. */
  readonly volumes: readonly string[];
}

/** @throws BulkheadError when Podman does not answer. What is merely not as it should be is a fact, not an error. */
export async function seeFromHost(podman: Podman, { spec }: SandboxDemand): Promise<HostFacts> {
  const container = await runtimeFacts(podman, spec.name);
  // Podman writes 0 for a container that does not run, and /proc/0 is nobody's.
  const process = container.pid > 0 ? await readProcess(container.pid) : undefined;
  return {
    container,
    process,
    network: await seeNetworkNamespaces(container),
    bundle: await readBundle(process),
  };
}

/** @throws BulkheadError when Podman does not answer, or the sandbox died. */
export async function seeFromWithin(
  podman: Podman,
  host: HostFacts,
  demand: SandboxDemand,
): Promise<Omit<SandboxFacts, 'guard'>> {
  const [probe, rest] = await Promise.all([runProbe(podman, demand), seeSurroundings(podman, demand)]);
  return { ...host, ...rest, probe };
}

/** The part of libpod's answer that counts here. */
interface NetworkInspection {
  readonly internal: boolean;
  readonly network_interface: string;
}

/** What Podman's store says; no program is run for it. @throws BulkheadError when Podman does not answer. */
export async function seeSurroundings(
  podman: Podman,
  { spec, imageId }: SandboxDemand,
): Promise<Pick<SandboxFacts, 'image' | 'networks'>> {
  const [image, networks] = await Promise.all([
    request('inspect image', podman.getImage(imageId).inspect()),
    Promise.all(
      spec.networks.map(async (name) => {
        const seen = await request('inspect network', libpod<NetworkInspection>(podman, `/networks/${name}/json`));
        return [name, { internal: seen.internal, interfaceName: seen.network_interface }] as const;
      }),
    ),
  ]);
  return {
    image: { digests: image.RepoDigests ?? [], volumes: Object.keys(image.Config?.Volumes ?? {}) },
    networks: Object.fromEntries(networks),
  };
}

async function seeNetworkNamespaces({ id, pid }: RuntimeFacts): Promise<NetworkFacts> {
  const sandbox = pid > 0 ? networkNamespace(pid) : undefined;
  return {
    sandbox,
    driver: networkNamespace('self'),
    host: networkNamespace(1),
    sharedWith: sandbox === undefined ? [] : await othersIn(sandbox, id),
  };
}

/** The last word of a sandbox process's command line is the id of its container. */
async function othersIn(namespace: string, id: string): Promise<string[]> {
  const processes = await Promise.all(processesInNetworkNamespace(namespace).map(readProcess));
  const ids = processes
    .map((process) => process?.commandLine ?? [])
    .filter(([name]) => name === 'runsc-sandbox')
    .map((line) => line.at(-1) ?? '');
  return [...new Set(ids.filter((other) => other !== id))];
}

async function readBundle(process: HostProcess | undefined): Promise<Seen<Bundle>> {
  const flag = process?.commandLine.find((word) => word.startsWith('--bundle='));
  if (flag === undefined) return { unseen: 'the sandbox process names no OCI bundle' };
  const path = join(flag.slice('--bundle='.length), 'config.json');
  const text = await readFile(path, 'utf8').catch((error: Error) => error);
  if (text instanceof Error) return { unseen: `the OCI bundle cannot be read: ${text.message}` };
  const result = parseBundle(text);
  return 'bundle' in result ? { seen: result.bundle } : { unseen: `the OCI bundle ${path}: ${result.problem}` };
}

async function runProbe(podman: Podman, { spec, profile, canaries }: SandboxDemand): Promise<Seen<ProbeReport>> {
  const command = probeCommand(deniedCalls(profile, spec.capabilities), canaries);
  let output = '';
  const exitCode = await execute(podman, spec.name, command, async ({ data }) => {
    if (output.length <= longestReport) output += Buffer.from(data).toString('latin1');
  });
  if (exitCode !== 0) return { unseen: `the probe ended with exit code ${exitCode}` };
  const result = parseProbe(output);
  return 'report' in result ? { seen: result.report } : { unseen: `the probe ran, but ${result.problem}` };
}
