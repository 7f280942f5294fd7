import { join } from 'node:path';
import type { GuaranteeName, Observation } from '../../src/guarantees/guarantee.ts';
import { type Proof, proveGuarantees } from '../../src/guarantees/prove.ts';
import { type Guard, installGuard } from '../../src/network/guard.ts';
import { removeWithGuard } from '../../src/network/remove-guard.ts';
import { makeJob } from '../../src/player/job.ts';
import type { Podman } from '../../src/podman/client.ts';
import { startSandbox } from '../../src/podman/containers.ts';
import { findImage } from '../../src/podman/images.ts';
import { createJob } from '../../src/podman/job-creation.ts';
import { removeJobObjects } from '../../src/podman/job-objects.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { parseJob } from '../../src/runner/job.ts';
import { loadSeccompProfile } from '../../src/sandbox/seccomp-profile.ts';
import type { JobSpec, SandboxSpec } from '../../src/sandbox/specification.ts';
import { type ServiceDemand, specifyJob } from '../../src/sandbox/specify.ts';
import { configuration, images, nextJobId } from './host.ts';

const repository = join(import.meta.dirname, '../..');

export interface ProvenJob {
  /** A shipped policy; `baseline` unless said. */
  readonly policy?: string;
  readonly image?: string;
  readonly services?: readonly ServiceDemand[];
  /** What Podman is asked for instead of what the build sandbox should be; the proof knows nothing of it. */
  readonly bend?: (build: SandboxSpec) => SandboxSpec;
  /** The same for the whole job. */
  readonly bendJob?: (spec: JobSpec) => JobSpec;
  /** Runs when the rules for its networks are loaded, before the proof. */
  readonly meddle?: (guard: Guard | undefined) => Promise<unknown>;
}

/** Makes a job's sandboxes on a service, holds them against what they should be, and removes them. */
export async function proveJob(podman: Podman, options: ProvenJob = {}): Promise<Proof> {
  const { bend = (build) => build, bendJob = (spec) => spec } = options;
  const { spec, ids, profile, key } = await specifyProven(podman, options);
  const asked = bendJob({ ...spec, build: bend(spec.build) });
  try {
    const networks = await createJob(podman, asked, ids, configuration, new AbortController().signal);
    await Promise.all([asked.helper, asked.build, ...asked.services].map((one) => startSandbox(podman, one)));
    await using guard = await installGuard(podman, key, asked, networks, { destinations: [], pins: [], warnings: [] });
    await options.meddle?.(guard);
    const { canaries = [] } = guard ?? {};
    return await proveGuarantees(
      podman,
      [
        { spec: spec.helper, imageId: ids.helper, profile, canaries },
        { spec: spec.build, imageId: ids.build, profile, canaries },
        ...spec.services.map((service) => ({ spec: service, imageId: ids.build, profile, canaries })),
      ],
      guard,
    );
  } finally {
    await removeWithGuard(podman, key, () => removeJobObjects(podman, key, Number.POSITIVE_INFINITY));
  }
}

/** What such a job is made of; its services are of the image of its build sandbox. */
export async function specifyProven(podman: Podman, options: ProvenJob = {}) {
  const { policy: name = 'baseline', image = images.busybox, services = [] } = options;
  const policy = await loadPolicy(join(repository, 'policies'), name);
  const { path, profile } = await loadSeccompProfile(configuration.seccompProfiles, policy.settings.seccomp);
  const [helper, build] = [await findImage(podman, configuration.helperImage), await findImage(podman, image)];
  if (helper === undefined || build === undefined) throw new Error('the images are not there');
  const job = parseJob(makeJob({ id: nextJobId(), image }));
  const host = { seccompProfile: path, gitlabRunner: undefined, slice: undefined };
  const limits = { log: null, disk: null, memory: null, pids: null };
  const owner = { policy: name, policyHash: policy.hash, limits, ulimits: '4=0:0', deadline: 1, runnerProcess: '1:1' };
  const spec = specifyJob(job, policy.settings, host, owner, undefined, services);
  return {
    spec,
    ids: { helper: helper.id, build: build.id, services: services.map(() => build.id) },
    profile,
    key: job.key,
  };
}

/** `violated: <reason>`, `unavailable: <reason>` or `proven: <evidence>`. */
export function outcome({ results }: Proof, name: GuaranteeName): string {
  const seen: Observation | undefined = results[name];
  if (seen === undefined) return 'not observed';
  return `${seen.state}: ${seen.state === 'proven' ? seen.evidence : seen.reason}`;
}
