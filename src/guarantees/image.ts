import type { Observation } from './guarantee.ts';
import { proven, violated } from './observation.ts';
import type { SandboxDemand, SandboxFacts } from './sandbox-facts.ts';

/** The image that was looked up, and checked against the policy, is the one that runs. */
export function observeImage(facts: SandboxFacts, demand: Pick<SandboxDemand, 'imageId' | 'digest'>): Observation {
  const { imageId, digest } = demand;
  const remedy = 'Look for what changes the image store of the service while jobs start; retry the job.';
  const running = facts.container.imageId;
  if (running !== imageId) return violated(`it runs the image ${running}, not ${imageId}`, remedy);
  if (digest !== undefined && !facts.image.digests.some((known) => known.endsWith(`@${digest}`))) {
    return violated(`its image is not known by the digest ${digest}`, remedy);
  }
  return proven(digest ?? imageId);
}
