import type { Observation } from './guarantee.ts';
import { notSeen, proven, violated } from './observation.ts';
import type { SandboxDemand, SandboxFacts } from './sandbox-facts.ts';

/**
 * What leaves the sandbox goes only where the policy lets it go: by bridges for which the rules were read back where packets
 * pass, and which refused it this host. A sandbox without a way out has no route either.
 */
export function observeNetworkEgress(
  facts: SandboxFacts,
  { spec, canaries = [] }: Pick<SandboxDemand, 'spec' | 'canaries'>,
): Observation {
  const remedy = 'Look for what changes nftables in the network namespace of the rootless Podman; retry the job.';
  if (spec.networks.length > 0) {
    if (facts.guard === undefined) return notSeen('nothing guards its networks');
    if ('unseen' in facts.guard) return notSeen(facts.guard.unseen);
    const { difference } = facts.guard.seen;
    if (difference !== undefined)
      return violated(`the rules on its way out are not what was loaded: ${difference}`, remedy);
  }
  if ('unseen' in facts.probe) return notSeen(facts.probe.unseen);
  const { connections } = facts.probe.seen;
  const reached = canaries.filter((one) => connections[one] === 0);
  if (reached.length > 0) return violated(`it reaches this host at ${reached.join(', ')}`, remedy);
  const outward = spec.networks.filter((name) => facts.networks[name]?.internal !== true);
  if (outward.length === 0) return observeNoWayOut(facts, spec.networks.length);
  const untried = canaries.filter((one) => connections[one] === undefined);
  if (untried.length > 0) return notSeen(`it did not try to reach ${untried.join(', ')}`);
  const unguarded = outward.find((name) => refusedBy(facts, name) === 0);
  if (canaries.length > 0 && unguarded !== undefined) {
    return violated(`what it sent by ${unguarded} did not come by the rules`, remedy);
  }
  const tried =
    canaries.length === 0 ? 'this host was not tried: the driver sees another network' : 'this host refused';
  return proven(`rules in place, ${tried}`);
}

function observeNoWayOut({ probe }: SandboxFacts, networks: number): Observation {
  if ('unseen' in probe) return notSeen(probe.unseen);
  const { defaultRoute, interfaces } = probe.seen;
  if (defaultRoute === true) {
    const remedy = 'Look for what gives its network a gateway.';
    return violated('it should have no way out, but has a default route', remedy);
  }
  const loopbackOnly = interfaces?.every((name) => name === 'lo') === true;
  if (defaultRoute === null && !loopbackOnly) return notSeen('the probe found no list of routes');
  return proven(networks === 0 ? 'no network' : 'an internal network only, no default route');
}

function refusedBy({ guard, networks }: SandboxFacts, name: string): number {
  if (guard === undefined || 'unseen' in guard) return 0;
  return guard.seen.refused[networks[name]?.interfaceName ?? ''] ?? 0;
}
