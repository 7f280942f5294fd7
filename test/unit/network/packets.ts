import type { Ruleset } from '../../../src/network/ruleset.ts';
import { overlaps, rangeOf } from '../../../src/policy/ipv4-range.ts';

/** What is judged. Ours, not nftables': small enough to be seen to be right. */
export interface Packet {
  readonly iifname: string;
  readonly oifname?: string;
  /** Undefined is IPv6. */
  readonly daddr?: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'sctp';
  readonly dport?: number;
  readonly state?: 'new' | 'established' | 'related';
}

type Verdict = 'accept' | 'reject' | 'drop';
type Json = Readonly<Record<string, unknown>>;

/** What a chain with a hook does with a packet; its policy is accept. Throws for what it does not know. */
export function verdictOf(ruleset: Ruleset, hook: 'forward' | 'input', packet: Packet): Verdict {
  return walk(ruleset, hook, packet) ?? 'accept';
}

function walk(ruleset: Ruleset, chain: string, packet: Packet): Verdict | undefined {
  const found = ruleset.chains[chain];
  if (found === undefined) throw new Error(`there is no chain ${chain}`);
  for (const rule of found.rules) {
    for (const part of rule as readonly Json[]) {
      const [kind = ''] = Object.keys(part);
      if (kind === 'counter') continue;
      if (kind === 'match') {
        if (holds(ruleset, part[kind] as Match, packet)) continue;
        break;
      }
      if (kind === 'accept' || kind === 'reject' || kind === 'drop') return kind;
      if (kind !== 'jump') throw new Error(`what is ${kind}?`);
      const inner = walk(ruleset, (part[kind] as { target: string }).target, packet);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

interface Match {
  readonly op: string;
  readonly left: Json;
  readonly right: unknown;
}

function holds(ruleset: Ruleset, { op, left, right }: Match, packet: Packet): boolean {
  const [kind = ''] = Object.keys(left);
  const { key, protocol, field } = left[kind] as Record<'key' | 'protocol' | 'field', string | undefined>;
  const what = [kind, protocol, field, key, op].filter(Boolean).join(' ');
  if (what === 'meta iifname ==') return right === packet.iifname;
  if (what === 'meta oifname ==') return right === packet.oifname;
  if (what === 'meta nfproto ==') return right === 'ipv4' && packet.daddr !== undefined;
  if (what === 'meta l4proto ==') return (right as { set: string[] }).set.includes(packet.protocol);
  if (what === 'ct state in') return (right as string[]).includes(packet.state ?? 'new');
  if (what === 'payload ip daddr ==') {
    if (packet.daddr === undefined) return false;
    const ranges = right === '@closed' ? (ruleset.sets['closed'] as unknown[]) : [right];
    const { daddr } = packet;
    return ranges.some((range) => overlaps(rangeOf(textOf(range)), rangeOf(daddr)));
  }
  if (what === 'payload tcp dport ==' || what === 'payload udp dport ==') {
    const [first, last] = typeof right === 'number' ? [right, right] : (right as { range: [number, number] }).range;
    return packet.protocol === protocol && packet.dport !== undefined && first <= packet.dport && packet.dport <= last;
  }
  throw new Error(`what is ${what}?`);
}

function textOf(range: unknown): string {
  if (typeof range === 'string') return range;
  const { addr, len } = (range as { prefix: { addr: string; len: number } }).prefix;
  return `${addr}/${len}`;
}
