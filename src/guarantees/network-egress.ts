import type { Observation } from './guarantee.ts';
import { notSeen, proven, unavailable, violated } from './observation.ts';
import type { SandboxDemand, SandboxFacts } from './sandbox-facts.ts';

/**
 * What leaves the sandbox goes only where the policy lets it go. Without rules on the way out, that holds only for a
 * sandbox that has no way out.
 */
export function observeNetworkEgress(facts: SandboxFacts, { spec }: Pick<SandboxDemand, 'spec'>): Observation {
  const open = spec.networks.filter((name) => facts.networks[name]?.internal !== true);
  if (open.length > 0) {
    return unavailable(
      "its network leads to the internet and to the host's own addresses; no rules guard it yet",
      'In the policy: network "job" or "none". Rules for "egress" come with the egress guard.',
    );
  }
  if ('unseen' in facts.probe) return notSeen(facts.probe.unseen);
  const { defaultRoute, interfaces } = facts.probe.seen;
  if (defaultRoute === true) {
    const remedy = 'Look for what gives its network a gateway.';
    return violated('it should have no way out, but has a default route', remedy);
  }
  const loopbackOnly = interfaces?.every((name) => name === 'lo') === true;
  if (defaultRoute === null && !loopbackOnly) return notSeen('the probe found no list of routes');
  return proven(spec.networks.length === 0 ? 'no network' : 'an internal network only, no default route');
}
