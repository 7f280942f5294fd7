import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { allDone } from '../all-done.ts';
import type { Configuration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import type { Pin } from '../network/destinations.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import { type CreatedNetwork, placeNeighbours } from '../sandbox/neighbours.ts';
import type { JobSpec, NetworkSpec, VolumeSpec } from '../sandbox/specification.ts';
import { type ArchiveEntry, sendEntries } from './archive.ts';
import { type Podman, request } from './client.ts';
import { createSandbox } from './containers.ts';
import { libpod } from './libpod.ts';
import { probeProgram } from './probe-program.ts';
import { pageSize, tmpfsVolumeOptions } from './tmpfs-volume.ts';

/** Ids of the images of a job, as they were resolved once. */
export interface ImageIds {
  readonly helper: string;
  readonly build: string;
  /** Of the services, in the order of their specifications. */
  readonly services?: readonly string[];
}

/**
 * Creates all that a job consists of, filled and ready to be started.
 * @param pins names that the policy allows, with the addresses that they have for this job.
 * @returns the job's networks, as Podman made them.
 * @throws BulkheadError `init-unreadable`, or Podman's own.
 */
export async function createJob(
  podman: Podman,
  spec: JobSpec,
  images: ImageIds,
  host: Pick<Configuration, 'init' | 'stateFolder'>,
  stop: AbortSignal,
  pins: readonly Pin[] = [],
): Promise<CreatedNetwork[]> {
  const networks = await createNetworksAndVolumes(podman, spec);
  stop.throwIfAborted();
  const neighbours = placeNeighbours(spec, networks, pins);
  await allDone([
    createSandbox(podman, spec.courier, images.helper),
    createSandbox(podman, spec.helper, images.helper, neighbours),
    createSandbox(podman, spec.build, images.build, neighbours),
    ...spec.services.map((service, index) =>
      createSandbox(podman, service, images.services?.[index] ?? '', neighbours),
    ),
  ]);
  stop.throwIfAborted();
  const [init, probe] = await allDone([
    readInit(host.init),
    probeProgram(podman, spec.courier.name, images.helper, host.stateFolder),
  ]);
  await fillVolumes(podman, spec, init, probe);
  return networks;
}

/** Lets the services begin. @throws BulkheadError `sandbox-missing`, or Podman's own. */
export async function openGate(podman: Podman, courier: string): Promise<void> {
  const name = relative(sandboxPaths.driver, sandboxPaths.gate);
  await sendEntries(podman, courier, sandboxPaths.driver, [{ name, mode: 0o444, content: new Uint8Array() }]);
}

async function createNetworksAndVolumes(
  podman: Podman,
  { networks, volumes, cache }: JobSpec,
): Promise<CreatedNetwork[]> {
  const [created] = await allDone([
    allDone(networks.map((network) => createNetwork(podman, network))),
    ...volumes.map((volume) => createVolume(podman, volume)),
    // Answers with the one that is there, if an earlier job made it.
    ...(cache === undefined ? [] : [createVolume(podman, cache)]),
  ]);
  return created;
}

/** The Docker-compatible API can choose neither the name of the bridge nor whether there is a DNS server on it. */
async function createNetwork(
  podman: Podman,
  { name, labels, of, interfaceName, hasResolver }: NetworkSpec,
): Promise<CreatedNetwork> {
  const { subnets = [] } = await request(
    'create network',
    libpod<{ subnets?: readonly { subnet: string; gateway?: string }[] }>(podman, '/networks/create', {
      name,
      driver: 'bridge',
      internal: of === 'internal',
      dns_enabled: hasResolver,
      network_interface: interfaceName,
      labels,
    }),
  );
  const [first] = subnets;
  if (first !== undefined) return { name, ...first };
  throw new BulkheadError(
    'podman-request-failed',
    `Podman made the network ${name} without a subnet`,
    "Look at default_subnet_pools in the service's containers.conf.",
  );
}

async function createVolume(podman: Podman, { name, labels, tmpfsBytes }: VolumeSpec): Promise<void> {
  const inMemory = tmpfsBytes === undefined ? undefined : tmpfsVolumeOptions(tmpfsBytes, await pageSize());
  await request(
    'create volume',
    podman.createVolume({
      Name: name,
      Labels: { ...labels },
      ...(inMemory !== undefined && { DriverOpts: inMemory }),
    }),
  );
}

async function readInit(path: string): Promise<Uint8Array> {
  return await readFile(path).catch((cause: Error) => {
    throw new BulkheadError(
      'init-unreadable',
      `the init for sandboxes cannot be read: ${cause.message}`,
      'Install catatonit, and name it as "init" in the configuration.',
      { cause },
    );
  });
}

async function fillVolumes(podman: Podman, spec: JobSpec, init: Uint8Array, probe: Uint8Array): Promise<void> {
  const send = (path: string, entries: ArchiveEntry[]) => sendEntries(podman, spec.courier.name, path, entries);
  // Any user of any image may build and cache here, as with the Docker executor.
  const open = [{ name: './', mode: 0o777 }];
  await allDone([
    send(sandboxPaths.builds, open),
    ...(spec.cache === undefined ? [] : [send(sandboxPaths.cache, open)]),
    send(sandboxPaths.driver, [
      { name: 'init', mode: 0o755, content: init },
      { name: 'probe', mode: 0o755, content: probe },
      { name: 'canary', mode: 0o666, content: Buffer.from('alive') },
      { name: 'scripts/', mode: 0o755 },
    ]),
  ]);
}
