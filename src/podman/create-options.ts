import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import { sandboxPaths } from '../sandbox/layout.ts';
import type { HostFileMount, SandboxSpec, VolumeMount } from '../sandbox/specification.ts';

/** The API request for a sandbox of the image with the id `imageId`. */
export function createOptions(spec: SandboxSpec, imageId: string): ContainerCreateOptions {
  return {
    name: spec.name,
    // The id, not the name: what was resolved is what runs.
    Image: imageId,
    // Our own PID 1 does nothing but reap. The image's entrypoint has no say in when a sandbox lives.
    Entrypoint: [sandboxPaths.init, '-P'],
    Cmd: [],
    Env: [],
    Labels: { ...spec.labels },
    Hostname: spec.hostname,
    // Cleanup kills at once: there is nobody inside who could use a grace.
    StopTimeout: 0,
    // The courier is never started, but a user of its image could still matter to what it copies.
    ...(spec.role === 'build' ? {} : { User: '0:0' }),
    HostConfig: {
      NetworkMode: spec.network ?? 'none',
      CapDrop: ['ALL'],
      CapAdd: [...spec.capabilities],
      SecurityOpt: ['no-new-privileges', `seccomp=${spec.seccompProfile}`],
      Tmpfs: { ...spec.tmpfs },
      Binds: spec.mounts.filter((mount) => mount.kind === 'volume').map(toBind),
      Mounts: spec.mounts.filter((mount) => mount.kind === 'host-file').map(toMount),
      Privileged: false,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'none', Config: {} },
    },
  };
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
