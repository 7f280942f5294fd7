import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import { sandboxPaths } from '../sandbox/layout.ts';
import type { Neighbours } from '../sandbox/neighbours.ts';
import type { HostFileMount, SandboxSpec, VolumeMount } from '../sandbox/specification.ts';

/** Bounds on disk what a service may say; conmon then begins anew. */
const serviceLogSize = '1mb';

/**
 * The API request for a sandbox of the image with the id `imageId`.
 * @param neighbours of a sandbox that is on a network.
 */
export function createOptions(spec: SandboxSpec, imageId: string, neighbours?: Neighbours): ContainerCreateOptions {
  return {
    name: spec.name,
    // The id, not the name: what was resolved is what runs.
    Image: imageId,
    // Our own PID 1 does nothing but reap. The image's entrypoint has no say in when a sandbox lives; a service's own program
    // begins when the gate opens.
    Entrypoint: spec.service === undefined ? [sandboxPaths.init, '-P'] : [sandboxPaths.init, '--'],
    Cmd: [...(spec.service?.command ?? [])],
    Env: [...spec.environment],
    Labels: { ...spec.labels },
    Hostname: spec.hostname,
    // Podman would run the image's in the sandbox, on a timer of its own: before anything is proven.
    Healthcheck: { Test: ['NONE'] },
    // Cleanup kills at once: there is nobody inside who could use a grace.
    StopTimeout: 0,
    ...(spec.user !== undefined && { User: spec.user }),
    HostConfig: {
      NetworkMode: spec.networks[0] ?? 'none',
      ...(spec.slice !== undefined && { CgroupParent: spec.slice }),
      ReadonlyRootfs: spec.readOnlyRoot,
      CapDrop: ['ALL'],
      CapAdd: [...spec.capabilities],
      SecurityOpt: ['no-new-privileges', `seccomp=${spec.seccompProfile}`],
      Tmpfs: { ...spec.tmpfs },
      ...(spec.networks.length > 0 && neighbours !== undefined && { ExtraHosts: [...neighbours.hosts] }),
      Binds: spec.mounts.filter((mount) => mount.kind === 'volume').map(toBind),
      Mounts: spec.mounts.filter((mount) => mount.kind === 'host-file').map(toMount),
      Privileged: false,
      RestartPolicy: { Name: 'no' },
      LogConfig:
        spec.service === undefined
          ? { Type: 'none', Config: {} }
          : { Type: 'k8s-file', Config: { 'max-size': serviceLogSize } },
    },
    ...((spec.networks.length > 1 || spec.networks.some((name) => name === neighbours?.internal)) && {
      NetworkingConfig: {
        EndpointsConfig: Object.fromEntries(spec.networks.map((name) => [name, endpoint(spec, name, neighbours)])),
      },
    }),
  };
}

function endpoint({ name }: SandboxSpec, network: string, neighbours: Neighbours | undefined) {
  const address = network === neighbours?.internal ? neighbours?.addresses.get(name) : undefined;
  return address === undefined ? {} : { IPAMConfig: { IPv4Address: address } };
}

/**
 * `nocopy`: what the job's image holds at that path must not be copied in, nor its owner and mode taken over. Podman 4.3
 * ignores NoCopy in `Mounts`, but not in `Binds`. The names are ours and hold no colon.
 */
function toBind({ source, target, readOnly }: VolumeMount): string {
  return `${source}:${target}:${readOnly ? 'ro' : 'rw'},nosuid,nodev,nocopy`;
}

function toMount({ source, target }: HostFileMount): MountSettings {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: true };
}
