import { allDone } from '../all-done.ts';
import type { Guard, GuardSight } from '../network/guard.ts';
import type { Podman } from '../podman/client.ts';
import { observeCapabilities } from './capabilities.ts';
import type { GuaranteeName, Observation } from './guarantee.ts';
import { observeGvisor } from './gvisor.ts';
import { observeImage } from './image.ts';
import { observeMounts } from './mounts.ts';
import { observeNetworkEgress } from './network-egress.ts';
import { observeNetworkIsolation } from './network-isolation.ts';
import { observeNetworkNetstack } from './network-netstack.ts';
import { observeNoNewPrivileges } from './no-new-privileges.ts';
import { type GuaranteeResults, merge } from './results.ts';
import { observeRootfs } from './rootfs.ts';
import { observeRootless } from './rootless.ts';
import {
  type HostFacts,
  type SandboxDemand,
  type SandboxFacts,
  type Seen,
  seeFromHost,
  seeFromWithin,
  seeSurroundings,
} from './sandbox-facts.ts';
import { observeSeccomp } from './seccomp.ts';

export type { GuaranteeResults } from './results.ts';

/** What was made of the sandboxes, and what it was made of. */
export interface Proof {
  readonly results: GuaranteeResults;
  /** In the order of the demands. */
  readonly facts: readonly SandboxFacts[];
}

type Judge = (facts: SandboxFacts, demand: SandboxDemand) => Observation;

/** What one sandbox can show; limits.* are the job's, and come from elsewhere. */
const judges: Readonly<Partial<Record<GuaranteeName, Judge>>> = {
  rootless: observeRootless,
  gvisor: observeGvisor,
  capabilities: observeCapabilities,
  'no-new-privileges': observeNoNewPrivileges,
  seccomp: observeSeccomp,
  rootfs: observeRootfs,
  mounts: observeMounts,
  'network.isolation': observeNetworkIsolation,
  'network.egress': observeNetworkEgress,
  'network.netstack': observeNetworkNetstack,
  image: observeImage,
};

/**
 * Observes every guarantee on running sandboxes that have run nothing but our own PID 1. Until each of them is seen to be
 * a rootless gVisor sandbox, nothing else is started in any, not even the probe. Throws nothing for what it finds: that is
 * for `enforce` of results.ts.
 * @param guard the rules on the way out; undefined for sandboxes on no network.
 * @throws BulkheadError when Podman does not answer, or a sandbox died.
 */
export async function proveGuarantees(
  podman: Podman,
  demands: readonly SandboxDemand[],
  guard?: Pick<Guard, 'look'>,
): Promise<Proof> {
  const host = await allDone(demands.map((demand) => seeFromHost(podman, demand)));
  const trusted = host.every((facts) => isSandbox(facts));
  const seen = await allDone(demands.map((demand, index) => look(podman, host[index] as HostFacts, demand, trusted)));
  // When the probes have tried to get out: what the rules did with that counts.
  const sight = guard === undefined ? undefined : await lookAtGuard(guard);
  const facts = seen.map((one) => ({ ...one, guard: sight }));
  const judged = demands.map(
    (demand, index) => [demand.spec.role, judge(facts[index] as SandboxFacts, demand)] as const,
  );
  return { results: merge(judged), facts };
}

/** Every observation of one sandbox. Pure. */
export function judge(facts: SandboxFacts, demand: SandboxDemand): GuaranteeResults {
  return Object.fromEntries(Object.entries(judges).map(([name, observe]) => [name, observe(facts, demand)]));
}

function isSandbox(facts: HostFacts): boolean {
  return observeGvisor(facts).state === 'proven' && observeRootless(facts).state === 'proven';
}

async function lookAtGuard(guard: Pick<Guard, 'look'>): Promise<Seen<GuardSight>> {
  return await guard.look().then(
    (seen) => ({ seen }),
    (error: Error) => ({ unseen: `the rules on the way out cannot be read back: ${error.message}` }),
  );
}

async function look(
  podman: Podman,
  host: HostFacts,
  demand: SandboxDemand,
  trusted: boolean,
): Promise<Omit<SandboxFacts, 'guard'>> {
  if (trusted) return await seeFromWithin(podman, host, demand);
  const unseen = 'nothing was started in the sandboxes to look at it from within';
  return { ...host, ...(await seeSurroundings(podman, demand)), probe: { unseen } };
}
