import { BulkheadError } from '../errors.ts';
import type { SandboxSpec } from '../sandbox/specification.ts';
import { type Podman, request } from './client.ts';
import { createOptions } from './create-options.ts';

/** Creates the container; returns its id. */
export async function createSandbox(podman: Podman, spec: SandboxSpec, imageId: string): Promise<string> {
  const container = await request(`create ${spec.role}`, podman.createContainer(createOptions(spec, imageId)));
  return container.id;
}

/** @throws BulkheadError `sandbox-start-failed`. */
export async function startSandbox(podman: Podman, spec: SandboxSpec): Promise<void> {
  try {
    await request(`start ${spec.role}`, podman.getContainer(spec.name).start());
  } catch (cause) {
    throw new BulkheadError(
      'sandbox-start-failed',
      `the ${spec.role} sandbox did not start: ${(cause as Error).message}`,
      "Look at the Podman service's log; try: podman run --rm <image> true, as the service's user.",
      { cause },
    );
  }
}

/** What only libpod's own API tells about a running container: the Docker-compatible one says "oci" for any runtime. */
export interface RuntimeFacts {
  /** The container's full id. */
  readonly id: string;
  /** Name of the OCI runtime that really runs it. */
  readonly ociRuntime: string;
  /** The sandbox process, in the host's pid namespace. */
  readonly pid: number;
}

export async function runtimeFacts(podman: Podman, container: string): Promise<RuntimeFacts> {
  const answer = await request(
    'inspect runtime',
    new Promise<{ Id: string; OCIRuntime: string; State: { Pid: number } }>((resolve, reject) => {
      podman.modem.dial(
        {
          path: `/v4.0.0/libpod/containers/${encodeURIComponent(container)}/json`,
          method: 'GET',
          statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
        },
        (error: unknown, data: unknown) => (error ? reject(error) : resolve(data as never)),
      );
    }),
  );
  return { id: answer.Id, ociRuntime: answer.OCIRuntime, pid: answer.State.Pid };
}
