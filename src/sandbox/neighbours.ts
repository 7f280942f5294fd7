import type { Pin } from '../network/destinations.ts';
import { rangeOf, toAddress } from '../policy/ipv4-range.ts';
import type { JobSpec } from './specification.ts';

/** A bridge as Podman made it. */
export interface CreatedNetwork {
  readonly name: string;
  /** `a.b.c.d/n`. */
  readonly subnet: string;
  readonly gateway?: string | undefined;
}

/** Where a job's sandboxes find each other, and what the policy names outside: all in their hosts files, none by asking. */
export interface Neighbours {
  /** Address on the internal network, by the name of the sandbox. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Name of the internal network; undefined when the job has none. */
  readonly internal: string | undefined;
  /** `name:address`, in the order in which they count: what the operator named comes before what the job named. */
  readonly hosts: readonly string[];
}

/** The first after the network's own, and the one that a gateway would have. */
const firstAddress = 2;

/** Pure. */
export function placeNeighbours(
  { networks, helper, build, services }: Pick<JobSpec, 'networks' | 'helper' | 'build' | 'services'>,
  created: readonly CreatedNetwork[],
  pins: readonly Pin[],
): Neighbours {
  const internal = networks.find(({ of }) => of === 'internal')?.name;
  const subnet = created.find(({ name }) => name === internal)?.subnet;
  const members = subnet === undefined ? [] : [helper, build, ...services];
  const addresses = new Map(
    members.map(({ name }, index) => [name, toAddress(rangeOf(subnet ?? '').first + firstAddress + index)]),
  );
  return {
    internal,
    addresses,
    hosts: [
      ...pins.flatMap(({ name, addresses }) => addresses.map((address) => `${name}:${address}`)),
      ...services.flatMap(({ name, networks: own, service }) =>
        internal === undefined || !own.includes(internal)
          ? []
          : (service?.aliases ?? []).map((alias) => `${alias}:${addresses.get(name)}`),
      ),
    ],
  };
}
