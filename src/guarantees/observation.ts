import type { Observation } from './guarantee.ts';

export const proven = (evidence: string): Observation => ({ state: 'proven', evidence });
export const unavailable = (reason: string, remedy: string): Observation => ({ state: 'unavailable', reason, remedy });
export const violated = (reason: string, remedy: string): Observation => ({ state: 'violated', reason, remedy });

/** For what was looked for and not seen. */
export const notSeen = (why: string): Observation =>
  unavailable(why, 'Run the driver as root or as the user of the Podman service, and build the helper image again.');
