import {
  type Bridge,
  chainOf,
  counter,
  expectedRuleset,
  from,
  type GuardSpec,
  type Json,
  type Rule,
  type Ruleset,
} from './ruleset.ts';

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
    if (set !== undefined) sets[String(set['name'])] = set['elem'] ?? [];
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
    if (!sameSet(expected.sets[name], seen.sets[name])) return `the set ${name} is another`;
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

/** In any order. */
function sameSet(one: unknown, other: unknown): boolean {
  const sorted = (list: unknown) => (Array.isArray(list) ? list.map(canonical).sort() : [canonical(list)]);
  return same(sorted(one), sorted(other));
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
