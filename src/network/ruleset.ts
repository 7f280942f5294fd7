import { type OutwardRole, overlaps, type PortRange, rangeOf } from '../policy/network-rule.ts';
import type { Reach } from '../policy/schema.ts';
import type { Destination } from './destinations.ts';

/** One bridge of a job in the network namespace that all bridges of a rootless Podman share. */
export interface Bridge {
  readonly interfaceName: string;
  /** Whose sandboxes are on it; `internal` is the one that all of the job share. */
  readonly of: OutwardRole | 'internal';
  readonly reach: Exclude<Reach, 'none'>;
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
type Json = Readonly<Record<string, unknown>>;
type Rule = readonly Json[];

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
    sets: { closed: sorted(closed.map(address)) },
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
const from = (name: string) => match({ meta: { key: 'iifname' } }, name);
const to = (name: string) => match({ meta: { key: 'oifname' } }, name);
const destination = (range: string) => match({ payload: { protocol: 'ip', field: 'daddr' } }, address(range));
const port = (protocol: 'tcp' | 'udp', { first, last }: PortRange) =>
  match({ payload: { protocol, field: 'dport' } }, first === last ? first : { range: [first, last] });
const isIPv4Packet = match({ meta: { key: 'nfproto' } }, 'ipv4');
const isOrdinary = match({ meta: { key: 'l4proto' } }, { set: ['icmp', 'tcp', 'udp'] });
const isReply = match({ ct: { key: 'state' } }, ['established', 'related'], 'in');
const accept: Json = { accept: null };
const counter: Json = { counter: null };
/** With an answer, so that a job hears at once that it may not, and need not wait. */
const reject: Json = { reject: { type: 'icmpx', expr: 'admin-prohibited' } };

function address(range: string): unknown {
  const [addr, len = '32'] = range.split('/');
  return len === '32' ? addr : { prefix: { addr, len: Number(len) } };
}

/** The chain that judges what comes from a bridge. */
function chainOf({ of }: Bridge): string {
  return `from_${of}`;
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

const known: ReadonlySet<string> = new Set(['metainfo', 'table', 'set', 'chain', 'rule']);

interface Listing {
  readonly nftables?: readonly Readonly<Record<string, Json | undefined>>[];
}

/** What `nft -j list table` printed, in the shape of expectedRuleset, with counters as they stood. */
export function parseRuleset(text: string): Ruleset {
  const others: string[] = [];
  const sets: Record<string, unknown> = {};
  const chains: Record<string, { hook: unknown; rules: unknown[] }> = {};
  for (const item of (JSON.parse(text) as Listing).nftables ?? []) {
    const { table, set, chain, rule } = item;
    if (table?.['flags'] !== undefined) others.push(`the flags ${JSON.stringify(table['flags'])}`);
    others.push(...Object.keys(item).filter((kind) => !known.has(kind)));
    if (set !== undefined) sets[String(set['name'])] = sorted((set['elem'] ?? []) as unknown[]);
    if (chain !== undefined) {
      const { type, hook, prio, policy } = chain;
      chains[String(chain['name'])] = { hook: hook === undefined ? {} : { type, hook, prio, policy }, rules: [] };
    }
    if (rule !== undefined) chains[String(rule['chain'])]?.rules.push(rule['expr']);
  }
  return { others, sets, chains };
}

/** The first thing in which what was read back is not what it should be; undefined when nothing is. Pure. */
export function difference(seen: Ruleset, spec: GuardSpec): string | undefined {
  const expected = expectedRuleset(spec);
  const [other] = seen.others;
  if (other !== undefined) return `the table has what is not ours: ${other}`;
  for (const name of names(expected.sets, seen.sets)) {
    if (!same(expected.sets[name], seen.sets[name])) return `the set ${name} is another`;
  }
  for (const name of names(expected.chains, seen.chains)) {
    const [wanted, found] = [expected.chains[name], seen.chains[name]];
    if (wanted === undefined || found === undefined) return `the chain ${name} is ${found ? 'not ours' : 'not there'}`;
    if (!same(wanted.hook, found.hook)) return `the chain ${name} is not where it should be`;
    if (wanted.rules.length !== found.rules.length)
      return `the chain ${name} has ${found.rules.length} rules, not ${wanted.rules.length}`;
    const index = wanted.rules.findIndex(
      (rule, position) => !same(withoutCounts(rule), withoutCounts(found.rules[position])),
    );
    if (index >= 0)
      return `rule ${index + 1} of the chain ${name} is another: ${JSON.stringify(withoutCounts(found.rules[index]))}`;
  }
  return undefined;
}

/** How many packets of a bridge's sandboxes were refused. Pure. */
export function refusedPackets(seen: Ruleset, bridge: Bridge): number {
  const fromBridge = (rule: unknown) => same((rule as Rule)[0], from(bridge.interfaceName));
  const rules = [
    ...(seen.chains[chainOf(bridge)]?.rules ?? []),
    ...(seen.chains['input']?.rules ?? []).filter(fromBridge),
  ];
  return rules
    .flatMap((rule) => (rule as Rule).filter(isCounter).map((part) => Number(part.counter?.packets ?? 0)))
    .reduce((sum, packets) => sum + packets, 0);
}

function withoutCounts(rule: unknown): unknown {
  return Array.isArray(rule) ? rule.map((part) => (isCounter(part) ? counter : part)) : rule;
}

function isCounter(part: unknown): part is { readonly counter: { readonly packets?: unknown } | null } {
  return typeof part === 'object' && part !== null && Object.keys(part).join() === 'counter';
}

function names(one: object, other: object): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])];
}

function sorted(list: readonly unknown[]): unknown[] {
  return [...list].sort((one, other) => (canonical(one) < canonical(other) ? -1 : 1));
}

/** Deep, whatever the order of keys. */
function same(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
