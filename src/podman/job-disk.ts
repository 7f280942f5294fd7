import { dirname } from 'node:path';
import type { DiskPlaces } from '../host/disk-usage.ts';
import { type Podman, request } from './client.ts';
import { runningSandboxes } from './containers.ts';
import { inspectContainer } from './libpod.ts';

/** The part of libpod's inspect that tells where a running container writes. */
interface Inspected {
  readonly State: { readonly Pid: number; readonly ConmonPid?: number };
  readonly GraphDriver: { readonly Data?: { readonly UpperDir?: string } | null };
  readonly HostsPath?: string;
  readonly HostnamePath?: string;
  readonly Mounts: readonly { readonly Type: string; readonly Source: string; readonly RW: boolean }[];
}

/**
 * Where on the host the sandboxes of a job write: the volumes that one of them mounts read-write, the layer in which runsc
 * keeps the changes of each root filesystem, and the folder of the files that Podman lays over the image (/etc/hosts and
 * the like), which are the host's and grow without bound.
 * @throws BulkheadError of the requests; Error when no sandbox of the job runs.
 */
export async function findDiskPlaces(podman: Podman, jobKey: string): Promise<DiskPlaces> {
  const running = await runningSandboxes(podman, jobKey);
  const sandboxes = await Promise.all(
    running.map((id) => request('inspect disk', inspectContainer<Inspected>(podman, id))),
  );
  const folders = new Set<string>();
  for (const { GraphDriver, HostsPath, HostnamePath, Mounts } of sandboxes) {
    if (GraphDriver.Data?.UpperDir) folders.add(GraphDriver.Data.UpperDir);
    for (const path of [HostsPath, HostnamePath]) if (path) folders.add(dirname(path));
    for (const mount of Mounts) if (mount.Type === 'volume' && mount.RW) folders.add(mount.Source);
  }
  const witness = sandboxes.find(({ State }) => State.ConmonPid)?.State.ConmonPid;
  if (witness === undefined) throw new Error('no sandbox of the job runs');
  return { folders: [...folders], sandboxes: sandboxes.map(({ State }) => State.Pid), witness };
}
