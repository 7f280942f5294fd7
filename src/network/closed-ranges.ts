import { readFile } from 'node:fs/promises';
import { overlaps, rangeOf } from '../policy/ipv4-range.ts';
import { neverAllowed } from '../policy/network-rule.ts';

/**
 * IPv4 ranges that are not the internet (IANA's special-purpose registry, RFC 6890): the host, its neighbours, other jobs and
 * the metadata services of clouds are in there. A sandbox reaches none of them but what its policy allows by name.
 */
export const closedRanges = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const;

/** Those of cloud metadata and of the host itself: no name may lead there, whatever a name server says. */
const neverByName = [...neverAllowed, '169.254.0.0/16'];

export function isNeverByName(address: string): boolean {
  return neverByName.some((range) => overlaps(rangeOf(range), rangeOf(address)));
}

/**
 * The IPv4 addresses that reach the host itself, as a process in the network namespace of the Podman service sees them. The
 * host may have public ones, which no list of ranges knows.
 * @throws Error of the file system.
 */
export async function hostAddresses(pid: number): Promise<string[]> {
  return parseFibTrie(await readFile(`/proc/${pid}/net/fib_trie`, 'utf8'));
}

/** Local addresses and ranges (`a.b.c.d/n`) of a namespace's routing tables, without loopback. */
export function parseFibTrie(text: string): string[] {
  const found = new Set<string>();
  let address = '';
  for (const line of text.split('\n')) {
    address = /\|-- (\d+\.\d+\.\d+\.\d+)$/.exec(line)?.[1] ?? address;
    const length = /^\s+\/(\d+) host LOCAL\b/.exec(line)?.[1];
    if (length !== undefined) found.add(length === '32' ? address : `${address}/${length}`);
  }
  return [...found].filter((one) => !one.startsWith('127.')).sort();
}

/** For a set of nftables, which takes no address twice: what a wider range has already is left out. */
export function withoutOverlaps(ranges: readonly string[], more: readonly string[]): string[] {
  const widestFirst = [...new Set([...ranges, ...more])].sort((one, other) => width(other) - width(one));
  return widestFirst.filter(
    (range, index) => !widestFirst.slice(0, index).some((wider) => overlaps(rangeOf(wider), rangeOf(range))),
  );
}

function width(range: string): number {
  const { first, last } = rangeOf(range);
  return last - first;
}
