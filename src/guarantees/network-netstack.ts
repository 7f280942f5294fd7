import type { Observation } from './guarantee.ts';
import { notSeen, proven, unavailable } from './observation.ts';
import type { HostFacts } from './sandbox-facts.ts';

/** Packets of the job are handled by gVisor's own network stack, not by the kernel's. runsc's default is `sandbox`. */
export function observeNetworkNetstack({ process }: Pick<HostFacts, 'process'>): Observation {
  if (process === undefined) return notSeen('there is no sandbox process');
  const network = process.commandLine.findLast((word) => /^--?network=/.test(word))?.replace(/^--?network=/, '');
  if (network === undefined || network === 'sandbox') return proven("gVisor's network stack");
  if (network === 'none') return proven('no network stack but loopback');
  return unavailable(
    `runsc runs with --network=${network}: the host's kernel handles its packets`,
    'Use a runsc released after July 2024 with --network=sandbox (set-up chooses it where it works).',
  );
}
