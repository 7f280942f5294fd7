import { isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';
import { overlaps, rangeOf, toAddress, toNumber } from './ipv4-range.ts';
import { checked, distinct } from './types.ts';

/** Whose sandboxes a rule is for. */
export const outwardRoles = ['helper', 'build', 'services'] as const;
export type OutwardRole = (typeof outwardRoles)[number];

/** What nothing outside a sandbox can be reached at, or nobody should: this host itself, everybody at once, nobody. */
export const neverAllowed: readonly string[] = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'];

/** What is wrong with a destination; undefined when nothing is. */
export function destinationProblem(text: string): string | undefined {
  if (text === 'gitlab' || text === 'internet') return undefined;
  if (text.includes('/') || /^[0-9.]+$/.test(text)) return rangeProblem(text);
  if (isIPv6(text) || text.includes(':')) return 'is no IPv4 address or host name; the networks of jobs have IPv4 only';
  if (text === 'localhost' || text.endsWith('.localhost')) return 'is the sandbox itself';
  if (
    text.length > 253 ||
    !/^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)
  )
    return 'must be "gitlab", "internet", an IPv4 address or range, or a host name in lower case';
  return undefined;
}

function rangeProblem(text: string): string | undefined {
  const [address = '', length, ...more] = text.split('/');
  if (!isIPv4(address) || more.length > 0) return 'is no IPv4 address or range';
  if (length !== undefined && !/^(?:[89]|[12]\d|3[0-2])$/.test(length)) return 'must have a prefix length of 8 to 32';
  const { first, last } = rangeOf(text);
  if (toNumber(address) !== first) return `must begin at its first address, ${toAddress(first)}`;
  const closed = neverAllowed.find((one) => overlaps(rangeOf(one), { first, last }));
  return closed === undefined ? undefined : `is in ${closed}, which no job can be given`;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `443` or `8000-8010`. */
export function portsOf(port: number | string): PortRange {
  const [first = 0, last = first] = String(port).split('-').map(Number);
  return { first, last };
}

function portsProblem(text: string): string | undefined {
  const { first, last } = portsOf(text);
  return /^\d{1,5}-\d{1,5}$/.test(text) && first >= 1 && first <= last && last <= 65535
    ? undefined
    : 'is no range of ports, such as "8000-8010"';
}

/** One entry of `network.allow`. */
export const networkRule = z.strictObject({
  to: checked(destinationProblem, {
    pattern: '^[a-z0-9._-]+(/[0-9]{1,2})?$',
    examples: ['gitlab', 'internet', '10.1.0.0/16', 'registry.example.com'],
  }).describe('"gitlab" (the job\'s server, on its own port), "internet", an IPv4 address or range, or a host name.'),
  ports: distinct(
    z.union([
      z.number().int().min(1).max(65535),
      checked(portsProblem, { pattern: '^[0-9]{1,5}-[0-9]{1,5}$', examples: ['8000-8010'] }),
    ]),
  )
    .min(1)
    .max(32)
    .optional()
    .describe('Ports and ranges of ports. "gitlab" may leave them out; everything else needs them.'),
  protocol: z.enum(['tcp', 'udp']).optional().describe('tcp, unless it says udp.'),
  from: distinct(z.enum(outwardRoles))
    .min(1)
    .optional()
    .describe('Whose sandboxes; all that reach outward, unless it says so.'),
});

/** Destinations beside those that the reach of a sandbox gives. */
export const networkRules = z
  .array(
    networkRule.superRefine(({ to, ports }, context) => {
      if (to !== 'gitlab' && ports === undefined)
        context.addIssue({ code: 'custom', path: ['ports'], message: 'must be there' });
    }),
  )
  .max(64);
export type NetworkRule = z.output<typeof networkRule>;
