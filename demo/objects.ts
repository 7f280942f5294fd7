import type Docker from 'dockerode';
import { labelKeys } from '../src/sandbox/names.ts';

/** One Podman object of the job. */
export interface JobObject {
  readonly kind: 'container' | 'volume' | 'network';
  /** What to ask the API for: the id of a container, the name of anything else. */
  readonly id: string;
  readonly name: string;
  /** The value of the role label. */
  readonly role: string;
  /** running, created, … for containers; '' for the rest. */
  readonly state: string;
}

/** Everything that carries the job's label, stopped containers included. */
export async function listObjects(podman: Docker, jobId: number): Promise<JobObject[]> {
  const filters = { label: [`${labelKeys.jobId}=${jobId}`] };
  const [containers, { Volumes: volumes }, networks] = await Promise.all([
    podman.listContainers({ all: true, filters }),
    podman.listVolumes({ filters }),
    podman.listNetworks({ filters }),
  ]);
  const role = (labels: Record<string, string> | null | undefined): string => labels?.[labelKeys.role] ?? '?';
  return [
    ...containers
      .map(({ Id: id, Names: names, Labels: labels, State: state }): JobObject => {
        return { kind: 'container', id, name: (names[0] ?? id).replace(/^\//, ''), role: role(labels), state };
      })
      .sort((a, b) => a.role.localeCompare(b.role)),
    ...(volumes ?? []).map(({ Name: name, Labels: labels }): JobObject => {
      return { kind: 'volume', id: name, name, role: role(labels), state: '' };
    }),
    ...networks.map(({ Name: name, Labels: labels }): JobObject => {
      return { kind: 'network', id: name, name, role: role(labels), state: '' };
    }),
  ];
}

/** A cache outlives its jobs; that of a GitLab server that was there for the demonstration only has nobody to use it. */
export async function removeCaches(podman: Docker, instance: string): Promise<void> {
  const filters = { label: [labelKeys.cacheTier, `${labelKeys.instance}=${instance}`] };
  const { Volumes: volumes } = await podman.listVolumes({ filters });
  for (const { Name: name } of volumes ?? []) await podman.getVolume(name).remove();
}
