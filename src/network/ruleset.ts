import type { PortRange } from '../policy/network-rule.ts';
import type { NetworkSpec } from '../sandbox/specification.ts';
import type { Destination } from './destinations.ts';

/** One bridge of a job in the network namespace that all bridges of a rootless Podman share. */
export interface Bridge extends Pick<NetworkSpec, 'interfaceName' | 'of' | 'reach'> {
  /** Address of Podman's DNS server on it; undefined when there is none for it. */
  readonly resolver: string | undefined;
}

/** All that decides what leaves a job's sandboxes. */
export interface GuardSpec {
  /** As tableName makes it. */
  readonly table: string;
  readonly bridges: readonly Bridge[];
  readonly destinations: readonly Destination[];
  /** Ranges and addresses that are not the internet, or are this host's own. No two overlap. */
  readonly closed: readonly string[];
}

/** A statement or expression of libnftables-json(5). */
export type Json = Readonly<Record<string, unknown>>;
export type Rule = readonly Json[];

/** A table as it was read back, or as it should be: what makes no difference to packets is left out. */
export interface Ruleset {
  /** Of what a table may be or hold besides: flags such as `dormant`, maps, objects. Ours has none. */
  readonly others: readonly string[];
  readonly sets: Readonly<Record<string, unknown>>;
  readonly chains: Readonly<Record<string, { readonly hook: unknown; readonly rules: readonly unknown[] }>>;
}

const prefix = 'bulkhead_';
/** Before Podman's own rules, which accept all that comes from a bridge. */
const priority = -10;

/** nftables' names have no dash. */
export function tableName(jobKey: string): string {
  return `${prefix}${jobKey.replaceAll('-', '_')}`;
}

/** The job that a table is of; undefined for a table that is none of ours. */
export function jobKeyOf(table: string): string | undefined {
  return table.startsWith(prefix) ? table.slice(prefix.length).replaceAll('_', '-') : undefined;
}

/**
 * The table of one job as a transaction for `nft -j -f -`, which takes the place of whatever is there by that name. Packets
 * of a sandbox are judged one by one, not as parts of connections: what an earlier job may have opened from the same address
 * counts for nothing. Pure.
 */
export function rulesetCommands(spec: GuardSpec): { nftables: readonly Json[] } {
  const table = { family: 'inet', table: spec.table };
  const itself = { table: { family: 'inet', name: spec.table } };
  const { sets, chains } = expectedRuleset(spec);
  return {
    nftables: [
      { add: itself },
      { delete: itself },
      { add: itself },
      ...Object.entries(sets).map(([name, elem]) => ({
        add: { set: { ...table, name, type: 'ipv4_addr', flags: ['interval'], elem } },
      })),
      ...Object.entries(chains).map(([name, { hook }]) => ({ add: { chain: { ...table, name, ...(hook as Json) } } })),
      ...Object.entries(chains).flatMap(([chain, { rules }]) =>
        rules.map((expr) => ({ add: { rule: { ...table, chain, expr } } })),
      ),
    ],
  };
}

/** The table as it should be read back. Chains that are jumped to come first. Pure. */
export function expectedRuleset({ bridges, destinations, closed }: GuardSpec): Ruleset {
  const interfaces = bridges.map(({ interfaceName }) => interfaceName);
  const chain = (rules: readonly Rule[], hook?: string) => ({
    hook: hook === undefined ? {} : { type: 'filter', hook, prio: priority, policy: 'accept' },
    rules,
  });
  return {
    others: [],
    sets: { closed: closed.map(address) },
    chains: {
      ...Object.fromEntries(bridges.map((bridge) => [chainOf(bridge), chain(outward(bridge, destinations))])),
      forward: chain(
        [
          // Between sandboxes of one bridge; comes by here on hosts that load br_netfilter.
          ...bridges.map(({ interfaceName }) => [from(interfaceName), to(interfaceName), accept]),
          ...bridges.map((bridge) => [from(bridge.interfaceName), { jump: { target: chainOf(bridge) } }]),
          ...interfaces.map((name) => [to(name), isReply, accept]),
          ...interfaces.map((name) => [to(name), counter, { drop: null }]),
        ],
        'forward',
      ),
      input: chain(
        bridges.flatMap(({ interfaceName, resolver }) => [
          ...(resolver === undefined
            ? []
            : (['udp', 'tcp'] as const).map((protocol) => [
                from(interfaceName),
                destination(resolver),
                port(protocol, { first: 53, last: 53 }),
                accept,
              ])),
          [from(interfaceName), counter, reject],
        ]),
        'input',
      ),
    },
  };
}

/** What comes from a bridge and leaves it. */
function outward(bridge: Bridge, destinations: readonly Destination[]): Rule[] {
  if (bridge.of === 'internal') return [[counter, reject]];
  const own = destinations.filter(({ from }) => from.some((role) => role === bridge.of));
  const named = own.flatMap(({ to: addresses, protocol, ports }) =>
    addresses === 'internet'
      ? []
      : addresses.flatMap((one) => ports.map((range) => [destination(one), port(protocol, range), accept])),
  );
  const open = own.filter(({ to: addresses }) => addresses === 'internet');
  return [
    ...named,
    [destination('@closed'), counter, reject],
    ...open.flatMap(({ protocol, ports }) => ports.map((range) => [isIPv4Packet, port(protocol, range), accept])),
    ...(bridge.reach === 'egress' ? [[isIPv4Packet, isOrdinary, accept]] : []),
    [counter, reject],
  ];
}

const match = (left: Json, right: unknown, op = '=='): Json => ({ match: { op, left, right } });
/** The first thing that a rule asks: by which bridge the packet came. */
export const from = (name: string) => match({ meta: { key: 'iifname' } }, name);
const to = (name: string) => match({ meta: { key: 'oifname' } }, name);
const destination = (range: string) => match({ payload: { protocol: 'ip', field: 'daddr' } }, address(range));
const port = (protocol: 'tcp' | 'udp', { first, last }: PortRange) =>
  match({ payload: { protocol, field: 'dport' } }, first === last ? first : { range: [first, last] });
const isIPv4Packet = match({ meta: { key: 'nfproto' } }, 'ipv4');
const isOrdinary = match({ meta: { key: 'l4proto' } }, { set: ['icmp', 'tcp', 'udp'] });
const isReply = match({ ct: { key: 'state' } }, ['established', 'related'], 'in');
const accept: Json = { accept: null };
export const counter: Json = { counter: null };
/** With an answer, so that a job hears at once that it may not, and need not wait. */
const reject: Json = { reject: { type: 'icmpx', expr: 'admin-prohibited' } };

function address(range: string): unknown {
  const [addr, len = '32'] = range.split('/');
  return len === '32' ? addr : { prefix: { addr, len: Number(len) } };
}

/** The chain that judges what comes from a bridge. */
export function chainOf({ of }: Pick<Bridge, 'of'>): string {
  return `from_${of}`;
}
