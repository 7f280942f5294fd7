import { randomUUID } from 'node:crypto';
import type { Configuration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import { makeJobSlice, removeJobSlice } from '../host/job-slice.ts';
import { processIdentity } from '../host/process-identity.ts';
import { resolveDestinations } from '../network/destinations.ts';
import { removeWithGuard } from '../network/remove-guard.ts';
import type { Podman } from '../podman/client.ts';
import { startSandboxes } from '../podman/containers.ts';
import { findImage } from '../podman/images.ts';
import { createJob } from '../podman/job-creation.ts';
import { removeJobObjects } from '../podman/job-objects.ts';
import type { Policy } from '../policy/policy.ts';
import type { Job } from '../runner/job.ts';
import { parseImageReference } from '../sandbox/image-reference.ts';
import { loadSeccompProfile } from '../sandbox/seccomp-profile.ts';
import type { JobSpec } from '../sandbox/specification.ts';
import { Secret } from '../secret.ts';
import type { JobDecision } from './decision.ts';
import { guardAndProve, type JobProof, serviceSlices, sliceLimits } from './proof.ts';
import { specify } from './sandboxes.ts';

const somebody = '65534:65534';

/** Why a job of nobody's is made. It stands on its objects in place of a GitLab instance. */
export type Occasion = 'policy-check' | 'doctor';

/** The sandboxes of a job of nobody's, running and looked at. */
export interface Rehearsal extends JobProof {
  readonly spec: JobSpec;
}

export interface RehearsalOptions {
  readonly occasion: Occasion;
  /** Ends it before its time; what was made is removed all the same. */
  readonly stop?: AbortSignal;
  /** Awaited before the sandboxes are removed. Without it, nothing but our own programs runs in them. */
  readonly meanwhile?: (rehearsal: Rehearsal) => Promise<void>;
}

/**
 * Gives a policy a job of nobody's on this host, made and looked at by what `prepare` makes jobs with, from the helper image;
 * removes it again, whatever comes of it.
 * @throws BulkheadError those of prepare, but for the guarantees, which are only reported; the reason of `stop`; what
 *   `meanwhile` throws.
 */
export async function rehearseJob(
  podman: Podman,
  policy: Policy,
  configuration: Configuration,
  { occasion, stop = new AbortController().signal, meanwhile = async () => {} }: RehearsalOptions,
): Promise<JobProof> {
  const job = jobOfNobody(occasion);
  const decision = decisionFor(policy, configuration);
  const image = await findImage(podman, configuration.helperImage);
  if (image === undefined) {
    const hint = 'Build it from the Containerfile of Bulkhead, as the user of the service.';
    throw new BulkheadError('helper-image-missing', `there is no helper image ${configuration.helperImage}`, hint);
  }
  const profile = await loadSeccompProfile(configuration.seccompProfiles, policy.settings.seccomp);
  stop.throwIfAborted();
  try {
    // Whose gate never opens.
    const service = {
      index: 0,
      command: ['true'],
      aliases: ['service'],
      environment: [],
      user: decision.user,
      imageUser: image.user,
    };
    const services = policy.settings.limits.services > 0 ? [service] : [];
    const slices = serviceSlices(decision, services);
    const slice = await makeJobSlice(configuration.socket, job.key, sliceLimits(decision), slices);
    const owner = await processIdentity(process.pid);
    const { reference } = decision.image;
    const used = services.map(() => ({ ...image, reference }));
    const images = { helper: image, build: image, entrypoint: [], services: used };
    const spec = specify(job, decision, configuration, profile, slice, owner, images, services);
    const ids = { helper: image.id, build: image.id, services: used.map(({ id }) => id) };
    const rules = policy.settings.network.allow.filter(({ to }) => to !== 'gitlab');
    const reachable = await resolveDestinations(rules, job.instance);
    const networks = await createJob(podman, spec, ids, configuration, stop, reachable.pins);
    stop.throwIfAborted();
    await startSandboxes(podman, spec);
    stop.throwIfAborted();
    const made = { spec, networks, reachable };
    const proof = await guardAndProve(podman, job.key, made, images, profile, decision, slice);
    await meanwhile({ ...proof, spec });
    return proof;
  } finally {
    await removeWithGuard(podman, job.key, () => removeJobObjects(podman, job.key, 0));
    await removeJobSlice(configuration.socket, job.key);
  }
}

/** Its key is one that no job of GitLab's can have. */
function jobOfNobody(occasion: Occasion): Job {
  return {
    id: 0,
    instance: `bulkhead:${occasion}`,
    key: `check-${randomUUID().slice(0, 12)}`,
    projectId: 0,
    projectPath: undefined,
    namespaceId: undefined,
    userId: undefined,
    protected: false,
    timeoutSeconds: 60,
    logSections: false,
    imagePlatform: undefined,
    imageEntrypoint: [],
    registryLogins: new Secret([]),
    variables: new Secret([]),
    services: [],
    request: { image: undefined, pullPolicies: [], user: undefined, services: [], variables: [] },
  };
}

/** As the policy, but without a cache, which would stay, and with a user where that of the image would be root. */
function decisionFor(policy: Policy, { helperImage }: Configuration): JobDecision {
  const { user } = policy.settings;
  const run = user.root === 'refused' && user.run === 'image' ? somebody : user.run;
  const rehearsed: Policy = { ...policy, settings: { ...policy.settings, cache: 'none', user: { ...user, run } } };
  return {
    policy: rehearsed,
    assigned: { policy: rehearsed, assignment: 0, file: '', line: 0 },
    image: { reference: parseImageReference(helperImage), pullPolicies: ['never'] },
    user: run === 'image' ? undefined : run,
    services: [],
  };
}
