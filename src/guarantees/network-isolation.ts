import type { Observation } from './guarantee.ts';
import { notSeen, proven, violated } from './observation.ts';
import type { SandboxDemand, SandboxFacts } from './sandbox-facts.ts';

/** The sandbox has a network namespace of its own, and is on the networks that were demanded and on no other. */
export function observeNetworkIsolation(facts: SandboxFacts, { spec }: Pick<SandboxDemand, 'spec'>): Observation {
  const { sandbox, driver, host, sharedWith } = facts.network;
  const remedy =
    "Look for netns and pods in the service's containers.conf, and for what attaches networks to containers.";
  if (sandbox === undefined) return notSeen('the network namespace of the sandbox process may not be looked at');
  if (sandbox === host || sandbox === driver) return violated("it is in the host's network namespace", remedy);
  if (sharedWith.length > 0) {
    return violated(`it shares its network namespace with another sandbox (${short(sharedWith)})`, remedy);
  }
  const present = facts.container.networks;
  const surplus = present.filter((name) => !spec.networks.includes(name));
  if (surplus.length > 0) return violated(`it is on a network that was not asked for: ${surplus.join(', ')}`, remedy);
  const missing = spec.networks.filter((name) => !present.includes(name));
  if (missing.length > 0) return violated(`it is not on the network ${missing.join(', ')}`, remedy);
  if (spec.networks.length > 0) return proven(`a network namespace of its own, ${plural(spec.networks.length)}`);
  return observeLoopbackOnly(facts, remedy);
}

function observeLoopbackOnly({ probe }: SandboxFacts, remedy: string): Observation {
  if ('unseen' in probe) return notSeen(probe.unseen);
  if (probe.seen.interfaces === null) return notSeen('the probe found no list of network interfaces');
  const others = probe.seen.interfaces.filter((name) => name !== 'lo');
  if (others.length > 0) return violated(`it should have no network, but has ${others.join(', ')}`, remedy);
  return proven('loopback only');
}

function short(ids: readonly string[]): string {
  return ids.map((id) => id.slice(0, 12)).join(', ');
}

function plural(count: number): string {
  return count === 1 ? '1 network' : `${count} networks`;
}
