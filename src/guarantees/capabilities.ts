import { capabilityNames } from '../policy/capabilities.ts';
import type { Observation } from './guarantee.ts';
import { notSeen, proven, violated } from './observation.ts';
import type { ProbeReport } from './probe.ts';
import type { SandboxDemand, SandboxFacts } from './sandbox-facts.ts';

const remedy = "Look for capabilities or a user that the service's containers.conf adds; start the service again.";

/**
 * No process has a capability that was not demanded, and each runs as the user that was demanded. A process of root has
 * exactly those that were; one of another user may have fewer.
 */
export function observeCapabilities(facts: SandboxFacts, { spec }: Pick<SandboxDemand, 'spec'>): Observation {
  if ('unseen' in facts.bundle) return notSeen(facts.bundle.unseen);
  const { user, capabilities = {} } = facts.bundle.seen.process;
  const demanded = new Set(spec.capabilities);
  for (const [set, names = []] of Object.entries(capabilities)) {
    const problem = surplus(names.map(withoutPrefix), demanded);
    if (problem !== undefined) return violated(`runsc was given ${problem} in the set "${set}"`, remedy);
  }
  const asked = `${user.uid}:${user.gid}`;
  if (spec.user !== undefined && !isUser(user, spec.user)) {
    return violated(`runsc was given the user ${asked}, not ${spec.user}`, remedy);
  }
  if ('unseen' in facts.probe) return notSeen(facts.probe.unseen);
  const { uid, gid, status } = facts.probe.seen;
  if (`${uid}:${gid}` !== asked) return violated(`a process in it runs as ${uid}:${gid}, not ${asked}`, remedy);
  return observeSets(uid, status, demanded);
}

/** A name, and a group that is left open, are the image's to resolve. */
function isUser({ uid, gid }: { readonly uid: number; readonly gid: number }, demanded: string): boolean {
  const [user = '', group = ''] = demanded.split(':');
  const fits = (id: number, word: string) => !/^\d+$/.test(word) || Number(word) === id;
  return fits(uid, user) && fits(gid, group);
}

function observeSets(uid: number, status: ProbeReport['status'], demanded: ReadonlySet<string>): Observation {
  for (const key of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const) {
    const names = capabilitiesOf(status[key] ?? '0');
    const problem = surplus(names, demanded);
    if (problem !== undefined) return violated(`a process in it has ${problem} (${key})`, remedy);
    const missing = [...demanded].find((name) => !names.includes(name));
    if (uid === 0 && missing !== undefined && ['CapPrm', 'CapEff', 'CapBnd'].includes(key)) {
      return violated(`a process of its root lacks ${missing} (${key}), so it is not what was asked for`, remedy);
    }
  }
  const effective = capabilitiesOf(status.CapEff);
  return proven(`uid ${uid}: ${effective.length === 0 ? 'none' : effective.join(', ')}`);
}

function surplus(names: readonly string[], demanded: ReadonlySet<string>): string | undefined {
  const more = names.filter((name) => !demanded.has(name));
  return more.length === 0 ? undefined : `${more.join(', ')} beyond what was asked for`;
}

function withoutPrefix(name: string): string {
  return name.replace(/^CAP_/, '');
}

/** The kernel's hexadecimal set as names; a bit that no name is known for is its number. */
function capabilitiesOf(hexadecimal: string): string[] {
  const bits = BigInt(`0x${hexadecimal}`);
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => (bits >> BigInt(bit)) & 1n)
    .map((bit) => capabilityNames[bit] ?? String(bit));
}
