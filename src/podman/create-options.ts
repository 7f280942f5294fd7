import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import { sandboxPaths } from '../sandbox/layout.ts';
import type { SandboxSpec } from '../sandbox/specification.ts';

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
      Mounts: spec.mounts.map(toMount),
      Privileged: false,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'none', Config: {} },
    },
  };
}

function toMount(mount: SandboxSpec['mounts'][number]): MountSettings {
  return {
    Type: mount.kind === 'volume' ? 'volume' : 'bind',
    Source: mount.source,
    Target: mount.target,
    ReadOnly: mount.kind === 'volume' ? mount.readOnly : true,
  };
}
