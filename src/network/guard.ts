import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { networkNamespace } from '../host/process.ts';
import { type ContainerPlace, RootlessNetns, rootOf } from '../host/rootless-netns.ts';
import type { Podman } from '../podman/client.ts';
import { containerPlace } from '../podman/containers.ts';
import type { CreatedNetwork } from '../sandbox/neighbours.ts';
import type { JobSpec } from '../sandbox/specification.ts';
import { Canary } from './canary.ts';
import { closedRanges, hostAddresses, withoutOverlaps } from './closed-ranges.ts';
import { type Destinations, podmanHost, podmanHostNames } from './destinations.ts';
import { removeStale } from './remove-guard.ts';
import { type Bridge, type GuardSpec, rulesetCommands, tableName } from './ruleset.ts';
import { difference, parseRuleset, refusedPackets } from './ruleset-check.ts';

/** What was read in the namespace, after sandboxes had tried to get where they must not. */
export interface GuardSight {
  /** In which the table is not what was loaded; undefined when it is. */
  readonly difference: string | undefined;
  /** Packets refused so far, by interface. */
  readonly refused: Readonly<Record<string, number>>;
}

/** The rules that judge what leaves the sandboxes of one job, in place. */
export interface Guard extends AsyncDisposable {
  readonly spec: GuardSpec;
  /** Ports of this host that no sandbox must reach, as `<address>:<port>`; empty where the driver sees another network. */
  readonly canaries: readonly string[];
  /** Reads the table back, from where the packets are. @throws Error when it cannot be read. */
  look(): Promise<GuardSight>;
}

/**
 * Loads the rules for a job whose sandboxes run, and run nothing but our PID 1: the namespace may not have been there before.
 * In one transaction, in place of what may be left of an earlier attempt.
 * @returns undefined for a job on no network.
 * @throws BulkheadError `network-guard-failed`: without rules, nothing of the job may run.
 */
export async function installGuard(
  podman: Podman,
  jobKey: string,
  job: Pick<JobSpec, 'networks' | 'helper' | 'build' | 'services'>,
  created: readonly CreatedNetwork[],
  { destinations }: Destinations,
): Promise<Guard | undefined> {
  const [first] = job.networks;
  const member = [job.helper, job.build, ...job.services].find(({ networks }) => networks.includes(first?.name ?? ''));
  if (first === undefined || member === undefined) return undefined;
  try {
    const place = await containerPlace(podman, member.name);
    const netns = await RootlessNetns.find(place, [first.interfaceName]);
    try {
      const mapped = await podmanHostAddresses(place);
      const own = await hostAddresses(place.conmonPid);
      const spec: GuardSpec = {
        table: tableName(jobKey),
        bridges: job.networks.map((network) => bridgeOf(network, created)),
        destinations: destinations.map((one) => ({ ...one, to: withMapped(one.to, mapped) })),
        closed: withoutOverlaps(closedRanges, [...own, ...mapped]),
      };
      // Node's pipes are sockets, and nft opens its standard input by name, which a socket has none of.
      await netns.run(['sh', '-c', 'cat | nft -j -f -'], JSON.stringify(rulesetCommands(spec)));
      await removeStale(netns, jobKey);
      const isOurNetwork = networkNamespace(place.conmonPid) === networkNamespace('self');
      const canary = isOurNetwork
        ? await Canary.open([...new Set([...mapped, ...own])].filter(isOneAddress))
        : undefined;
      return new LoadedGuard(netns, spec, canary);
    } catch (error) {
      await netns[Symbol.asyncDispose]();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError(
      'network-guard-failed',
      `the rules for the job's networks cannot be loaded: ${(cause as Error).message}`,
      "Install nftables and util-linux; run GitLab Runner as root or as Podman's user. Or let the policy give no network.",
      { cause },
    );
  }
}

export class LoadedGuard implements Guard {
  readonly spec: GuardSpec;
  /** Where the rules are. */
  readonly netns: RootlessNetns;
  readonly #canary: Canary | undefined;

  constructor(netns: RootlessNetns, spec: GuardSpec, canary: Canary | undefined) {
    this.netns = netns;
    this.spec = spec;
    this.#canary = canary;
  }

  get canaries(): readonly string[] {
    return this.#canary?.addresses ?? [];
  }

  async look(): Promise<GuardSight> {
    const seen = parseRuleset(await this.netns.run(['nft', '-j', 'list', 'table', 'inet', this.spec.table]));
    return {
      difference: difference(seen, this.spec),
      refused: Object.fromEntries(
        this.spec.bridges.map((bridge) => [bridge.interfaceName, refusedPackets(seen, bridge)]),
      ),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#canary?.[Symbol.asyncDispose]();
    await this.netns[Symbol.asyncDispose]();
  }
}

function bridgeOf(network: JobSpec['networks'][number], created: readonly CreatedNetwork[]): Bridge {
  const { gateway } = created.find(({ name }) => name === network.name) ?? {};
  const { interfaceName, of, reach, hasResolver } = network;
  return { interfaceName, of, reach, resolver: hasResolver ? gateway : undefined };
}

/** What Podman calls the host in the hosts file of a sandbox: how it gets there differs from release to release. */
async function podmanHostAddresses(place: ContainerPlace): Promise<string[]> {
  const text = await readFile(join(rootOf(place), place.hostsFile), 'utf8');
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.split(/\s+/);
    return names.some((name) => podmanHostNames.includes(name)) && /^[\d.]+$/.test(address) ? [address] : [];
  });
}

function isOneAddress(range: string): boolean {
  return !range.includes('/');
}

/** Podman's own names for the host stand for whatever Podman wrote down. */
function withMapped(to: readonly string[] | 'internet', mapped: readonly string[]): readonly string[] | 'internet' {
  return to === 'internet' ? to : [...new Set(to.flatMap((one) => (one === podmanHost ? mapped : [one])))];
}
