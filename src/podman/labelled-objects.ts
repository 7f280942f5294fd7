import { allDone } from '../all-done.ts';
import { labelKeys } from '../sandbox/names.ts';
import { type Podman, request } from './client.ts';

const kinds = ['container', 'volume', 'network'] as const;
export type ObjectKind = (typeof kinds)[number];

/** An object of Podman that carries, or claims to carry, a job's label. Nothing of it is checked yet. */
export interface LabelledObject {
  readonly kind: ObjectKind;
  /** What removes exactly this one: a container's id, which no later container of the same name has. */
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Unix time in seconds; undefined when Podman does not tell. */
  readonly createdAt: number | undefined;
  readonly running: boolean;
}

/**
 * All objects with a job's label, or with that of one job, in order. One call per kind.
 * @throws BulkheadError of the requests.
 */
export async function listLabelled(podman: Podman, jobKey?: string): Promise<LabelledObject[]> {
  const filters = { label: [jobKey === undefined ? labelKeys.job : `${labelKeys.job}=${jobKey}`] };
  const [containers, volumes, networks] = await allDone([
    request('list containers', podman.listContainers({ all: true, filters })),
    request('list volumes', podman.listVolumes({ filters })),
    request('list networks', podman.listNetworks({ filters })),
  ]);
  const objects = [
    ...containers.map(({ Id, Names, Labels, Created, State }) => ({
      kind: 'container' as const,
      id: Id,
      name: (Names?.[0] ?? '').replace(/^\//, ''),
      labels: Labels ?? {},
      createdAt: Created > 0 ? Created : undefined,
      running: State === 'running',
    })),
    ...(volumes.Volumes ?? []).map((volume) => named('volume', volume, (volume as { CreatedAt?: string }).CreatedAt)),
    ...networks.map((network) => named('network', network, network.Created)),
  ];
  // Filters are the server's word; what has no label is nobody's here.
  return objects.filter(({ labels }) => labels[labelKeys.job] !== undefined).sort(inOrder);
}

type Ordered = Pick<LabelledObject, 'kind' | 'name'>;

/** For sort(): containers, volumes, networks, each by name. Podman lists volumes and networks in no order of its own. */
export function inOrder(a: Ordered, b: Ordered): number {
  return kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.name.localeCompare(b.name);
}

function named(
  kind: ObjectKind,
  { Name, Labels }: { Name: string; Labels?: Record<string, string> | null | undefined },
  created: string | undefined,
): LabelledObject {
  const seconds = Date.parse(created ?? '') / 1000;
  // A year before Podman is how Go writes that it does not know.
  return {
    kind,
    id: Name,
    name: Name,
    labels: Labels ?? {},
    createdAt: seconds > 0 ? seconds : undefined,
    running: false,
  };
}
