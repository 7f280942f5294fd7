import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { allDone } from '../all-done.ts';
import type { Configuration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import type { JobSpec, VolumeSpec } from '../sandbox/specification.ts';
import { type ArchiveEntry, sendEntries } from './archive.ts';
import { type Podman, request } from './client.ts';
import { createSandbox } from './containers.ts';
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
 * @throws BulkheadError `init-unreadable`, or Podman's own.
 */
export async function createJob(
  podman: Podman,
  spec: JobSpec,
  images: ImageIds,
  host: Pick<Configuration, 'init' | 'stateFolder'>,
  stop: AbortSignal,
): Promise<void> {
  await createNetworksAndVolumes(podman, spec);
  stop.throwIfAborted();
  await allDone([
    createSandbox(podman, spec.courier, images.helper),
    createSandbox(podman, spec.helper, images.helper),
    createSandbox(podman, spec.build, images.build),
    ...spec.services.map((service, index) => createSandbox(podman, service, images.services?.[index] ?? '')),
  ]);
  stop.throwIfAborted();
  const [init, probe] = await allDone([
    readInit(host.init),
    probeProgram(podman, spec.courier.name, images.helper, host.stateFolder),
  ]);
  await fillVolumes(podman, spec, init, probe);
}

/** Lets the services begin. @throws BulkheadError `sandbox-missing`, or Podman's own. */
export async function openGate(podman: Podman, courier: string): Promise<void> {
  const name = relative(sandboxPaths.driver, sandboxPaths.gate);
  await sendEntries(podman, courier, sandboxPaths.driver, [{ name, mode: 0o444, content: new Uint8Array() }]);
}

async function createNetworksAndVolumes(podman: Podman, { networks, volumes, cache }: JobSpec): Promise<void> {
  await allDone([
    ...networks.map(({ name, labels, internal }) =>
      request(
        'create network',
        podman.createNetwork({ Name: name, Driver: 'bridge', Internal: internal, Labels: { ...labels } }),
      ),
    ),
    ...volumes.map((volume) => createVolume(podman, volume)),
    // Answers with the one that is there, if an earlier job made it.
    ...(cache === undefined ? [] : [createVolume(podman, cache)]),
  ]);
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
