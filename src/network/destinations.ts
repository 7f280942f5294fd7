import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { allDone } from '../all-done.ts';
import { overlaps, rangeOf } from '../policy/ipv4-range.ts';
import { type NetworkRule, type OutwardRole, outwardRoles, type PortRange, portsOf } from '../policy/network-rule.ts';
import { isNeverByName } from './closed-ranges.ts';

/** Where sandboxes may go besides: a rule of the policy with its name resolved. */
export interface Destination {
  readonly from: readonly OutwardRole[];
  /** IPv4 addresses and ranges, `podmanHost` for the host by Podman's own name, or all that is not closed. */
  readonly to: readonly string[] | 'internet';
  readonly protocol: 'tcp' | 'udp';
  readonly ports: readonly PortRange[];
}

/** A name as it was resolved, for the hosts files of sandboxes: they must not come to another answer than their rules. */
export interface Pin {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface Destinations {
  readonly destinations: readonly Destination[];
  readonly pins: readonly Pin[];
  /** What could not be resolved, and so is not allowed. */
  readonly warnings: readonly string[];
}

/** Names that Podman gives the host in every sandbox; only the sandbox's hosts file has them. */
export const podmanHostNames: readonly string[] = ['host.containers.internal', 'host.docker.internal'];
/** In place of their address, until a sandbox is there. */
export const podmanHost = 'podman-host';

export type Resolve = (name: string) => Promise<readonly string[]>;

const patienceMs = 5000;

/** IPv4 addresses by the resolver of this host, its hosts file included. @throws Error of the resolver, or of our patience. */
export const resolveName: Resolve = async (name) => {
  const giveUp = new AbortController();
  const late = sleep(patienceMs, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error(`no answer within ${patienceMs / 1000} s`);
  });
  try {
    const found = await Promise.race([lookup(name, { family: 4, all: true }), late]);
    return [...new Set(found.map(({ address }) => address))].sort();
  } finally {
    giveUp.abort();
    late.catch(() => {});
  }
};

/**
 * Resolves the rules of a policy for one job. Names are looked up here, once, by this host: what a name server says to the
 * job later changes nothing.
 * @param gitlab URL of the job's GitLab server, as that server wrote it.
 */
export async function resolveDestinations(
  rules: readonly NetworkRule[],
  gitlab: string,
  resolve: Resolve = resolveName,
): Promise<Destinations> {
  const known = new Map<string, ReturnType<typeof resolveOne>>();
  const once = (name: string) => {
    const found = known.get(name) ?? resolveOne(name, resolve);
    known.set(name, found);
    return found;
  };
  const destinations = await allDone(
    rules.map(async ({ to, ports, protocol = 'tcp', from = outwardRoles }): Promise<Destination> => {
      const described = (to: Destination['to'], own: readonly number[] = []): Destination => {
        return { from, to, protocol, ports: (ports ?? own).map(portsOf) };
      };
      if (to === 'internet') return described(to);
      if (to !== 'gitlab') return described(isRange(to) ? [to] : (await once(to)).addresses);
      const { hostname, port } = serverOf(gitlab);
      return described((await once(hostname)).addresses, [port]);
    }),
  );
  const names = await allDone([...known].map(async ([name, found]) => ({ name, ...(await found) })));
  return {
    destinations: destinations.filter(({ to }) => to.length > 0),
    pins: names.flatMap(({ name, addresses }) =>
      addresses.length > 0 && !podmanHostNames.includes(name) && !isIPv4(name) ? [{ name, addresses }] : [],
    ),
    warnings: names.flatMap(({ warnings }) => warnings),
  };
}

async function resolveOne(
  name: string,
  resolve: Resolve,
): Promise<{ addresses: readonly string[]; warnings: string[] }> {
  if (podmanHostNames.includes(name)) return { addresses: [podmanHost], warnings: [] };
  try {
    const addresses = isIPv4(name) ? [name] : await resolve(name);
    const wrong = addresses.filter(isNeverByName);
    const warnings = wrong.map((address) => `${name} leads to ${address}, where no name may lead; it is not allowed`);
    return { addresses: addresses.filter((address) => !wrong.includes(address)), warnings };
  } catch (error) {
    const why = (error as Error).message;
    return { addresses: [], warnings: [`${name}, which the policy allows, cannot be resolved: ${why}`] };
  }
}

function isRange(to: string): boolean {
  return /^[0-9./]+$/.test(to);
}

function serverOf(url: string): { hostname: string; port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443) };
}

/** Whether a destination of the policy covers an address and port, for sandboxes of the role. */
export function isAllowed(
  destinations: readonly Destination[],
  role: OutwardRole,
  one: string,
  tcpPort: number,
): boolean {
  return destinations.some(
    ({ from: roles, to: ranges, protocol, ports }) =>
      roles.includes(role) &&
      protocol === 'tcp' &&
      ranges !== 'internet' &&
      ranges.some((range) => overlaps(rangeOf(range), rangeOf(one))) &&
      ports.some(({ first, last }) => first <= tcpPort && tcpPort <= last),
  );
}
