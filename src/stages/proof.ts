import { BulkheadError } from '../errors.ts';
import type { Observation } from '../guarantees/guarantee.ts';
import { type LimitedService, type LimitName, observeLimits } from '../guarantees/limits.ts';
import { observeDiskLimit } from '../guarantees/limits-disk.ts';
import { type GuaranteeResults, proveGuarantees } from '../guarantees/prove.ts';
import type { SandboxFacts } from '../guarantees/sandbox-facts.ts';
import type { JobSlice, ServiceSlices } from '../host/job-slice.ts';
import type { SliceLimits } from '../host/slice.ts';
import { type Destinations, isAllowed } from '../network/destinations.ts';
import { type Guard, installGuard } from '../network/guard.ts';
import type { Podman } from '../podman/client.ts';
import { refusal } from '../policy/decide.ts';
import type { OutwardRole } from '../policy/network-rule.ts';
import { formatImageReference, type ImageReference } from '../sandbox/image-reference.ts';
import type { CreatedNetwork } from '../sandbox/neighbours.ts';
import type { LoadedSeccompProfile } from '../sandbox/seccomp-profile.ts';
import type { JobSpec } from '../sandbox/specification.ts';
import type { JobDecision } from './decision.ts';
import type { JobImages } from './sandboxes.ts';

/** What was seen on the running sandboxes of a job. */
export interface JobProof {
  readonly results: GuaranteeResults;
  /** The command line of the build sandbox's process, without its own name and paths of its own. */
  readonly runtimeFlags: readonly string[];
}

/** What of a job is there before its proof. */
export interface MadeJob {
  readonly spec: JobSpec;
  readonly networks: readonly CreatedNetwork[];
  /** What the policy allows its sandboxes to reach. */
  readonly reachable: Destinations;
}

/**
 * Loads the rules for the networks of sandboxes that run nothing but our own PID 1, and looks at all of them.
 * @throws BulkheadError `network-guard-failed`, or those of proveJob.
 */
export async function guardAndProve(
  podman: Podman,
  jobKey: string,
  { spec, networks, reachable }: MadeJob,
  images: JobImages,
  profile: LoadedSeccompProfile,
  decision: JobDecision,
  slice: JobSlice,
): Promise<JobProof> {
  await using guard = await installGuard(podman, jobKey, spec, networks, reachable);
  return await proveJob(podman, spec, images, profile, decision, slice, guard);
}

/** Looks at the job's sandboxes, which run nothing but our own PID 1. Judges nothing: that is for `enforce`. */
async function proveJob(
  podman: Podman,
  spec: JobSpec,
  images: JobImages,
  { profile }: LoadedSeccompProfile,
  decision: JobDecision,
  slice: JobSlice,
  guard: Guard | undefined,
): Promise<JobProof> {
  const { digest } = decision.image.reference;
  const canaries = (role: OutwardRole) => canariesFor(guard, role);
  const demands = [
    { spec: spec.helper, imageId: images.helper.id, profile, canaries: canaries('helper') },
    { spec: spec.build, imageId: images.build.id, digest, profile, canaries: canaries('build') },
    ...spec.services.map((service, index) => {
      const image = images.services[index];
      const { digest } = image?.reference ?? {};
      return { spec: service, imageId: image?.id ?? '', digest, profile, canaries: canaries('services') };
    }),
  ];
  const { results, facts } = await proveGuarantees(podman, demands, guard);
  const [, build, ...services] = facts;
  requireUser(decision, decision.image.reference, build);
  for (const [index, facts] of services.entries()) {
    requireUser(decision, images.services[index]?.reference ?? decision.image.reference, facts);
  }
  const pids = facts.map(({ container }) => container.pid);
  const { limits } = decision.policy.settings;
  const limited = spec.services.flatMap(({ role, slice: own = '' }, index): LimitedService[] =>
    limits.serviceMemory === undefined
      ? []
      : [{ role, pid: services[index]?.container.pid ?? 0, slice: own, memoryBytes: limits.serviceMemory }],
  );
  return {
    results: {
      ...results,
      ...(await proveLimits(pids, slice, sliceLimits(decision), limited)),
      'limits.disk': await observeDiskLimit(facts, limits.disk ?? null),
    },
    runtimeFlags: (build?.process?.commandLine ?? []).filter(isSetting),
  };
}

/** What of this host no sandbox of the role may reach. */
function canariesFor(guard: Guard | undefined, role: OutwardRole): string[] {
  return (guard?.canaries ?? []).filter((canary) => {
    const [address = '', port] = canary.split(':');
    return !isAllowed(guard?.spec.destinations ?? [], role, address, Number(port));
  });
}

/** What the job's slice is made with, and held against. */
export function sliceLimits({ policy }: JobDecision): SliceLimits {
  const { memory, cpus, pids } = policy.settings.limits;
  return { memoryBytes: memory, cpus, pids };
}

/** The slices of its services, and what they are made with. */
export function serviceSlices({ policy }: JobDecision, services: readonly { readonly index: number }[]): ServiceSlices {
  return { indices: services.map(({ index }) => index), memoryBytes: policy.settings.limits.serviceMemory };
}

async function proveLimits(
  pids: readonly number[],
  slice: JobSlice,
  limits: SliceLimits,
  services: readonly LimitedService[],
): Promise<Record<LimitName, Observation>> {
  if (slice.state === 'made') return await observeLimits(pids, slice.name, limits, services);
  return { 'limits.memory': slice, 'limits.pids': slice, 'limits.cpu': slice };
}

/**
 * The user that an image names may be root under another name. What the kernel says counts.
 * @throws BulkheadError `policy-user-refused`, or `guarantee-unavailable` where it cannot be seen.
 */
function requireUser({ policy }: JobDecision, image: ImageReference, facts: SandboxFacts | undefined): void {
  const { run, root } = policy.settings.user;
  if (root === 'allowed' || run !== 'image') return;
  if (facts === undefined || 'unseen' in facts.probe) {
    throw new BulkheadError(
      'guarantee-unavailable',
      `the policy refuses root, and it cannot be seen who the job is: ${facts && 'unseen' in facts.probe ? facts.probe.unseen : ''}`,
      'Let the policy set "run" of "user" to a uid:gid.',
    );
  }
  if (facts.probe.seen.uid !== 0) return;
  const what = `root, the user of image ${formatImageReference(image)}`;
  throw refusal(policy, 'policy-user-refused', what, 'user.root', 'Allowed: images with a USER other than root.');
}

/** What says how runsc was set up; not which descriptors and sizes it handed to itself. */
function isSetting(word: string): boolean {
  return /^--[a-z0-9-]+(?:=[\w.:,-]*)?$/.test(word) && !/-(?:fds?|memory)=|gofer/.test(word);
}
