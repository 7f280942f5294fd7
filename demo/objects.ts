import type Docker from 'dockerode';
import { inOrder, type ObjectKind } from '../src/podman/labelled-objects.ts';
import { labelKeys } from '../src/sandbox/names.ts';

/** One Podman object of a job. */
export interface JobObject {
  readonly kind: ObjectKind;
  /** What to ask the API for: the id of a container, the name of anything else. */
  readonly id: string;
  readonly name: string;
  /** Which job it belongs to. */
  readonly job: string;
  /** The value of the role label. */
  readonly role: string;
  /** running, created, … for containers; '' for the rest. */
  readonly state: string;
}

type Labels = Readonly<Record<string, string>> | null | undefined;

/** Everything whose labels say that this process plays its job, stopped containers included. */
export async function listObjects(podman: Docker, pid: number): Promise<JobObject[]> {
  const filters = { label: [labelKeys.runnerProcess] };
  const [containers, { Volumes: volumes }, networks] = await Promise.all([
    podman.listContainers({ all: true, filters }),
    podman.listVolumes({ filters }),
    podman.listNetworks({ filters }),
  ]);
  const isOurs = ({ Labels: labels }: { Labels?: Labels }) => {
    return labels?.[labelKeys.runnerProcess]?.startsWith(`${pid}:`) === true;
  };
  const told = (labels: Labels) => ({ job: labels?.[labelKeys.job] ?? '?', role: labels?.[labelKeys.role] ?? '?' });
  return [
    ...containers.filter(isOurs).map(({ Id: id, Names: names, Labels: labels, State: state }): JobObject => {
      return { kind: 'container', id, name: (names[0] ?? id).replace(/^\//, ''), ...told(labels), state };
    }),
    ...(volumes ?? []).filter(isOurs).map(({ Name: name, Labels: labels }): JobObject => {
      return { kind: 'volume', id: name, name, ...told(labels), state: '' };
    }),
    ...networks.filter(isOurs).map(({ Name: name, Labels: labels }): JobObject => {
      return { kind: 'network', id: name, name, ...told(labels), state: '' };
    }),
  ].sort(inOrder);
}
