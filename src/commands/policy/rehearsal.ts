import { randomUUID } from 'node:crypto';
import type { Configuration } from '../../configuration.ts';
import { BulkheadError } from '../../errors.ts';
import { type GuaranteeName, guaranteeNames } from '../../guarantees/guarantee.ts';
import type { GuaranteeResults } from '../../guarantees/results.ts';
import { requireRootless } from '../../guarantees/rootless.ts';
import { makeJobSlice, removeJobSlice } from '../../host/job-slice.ts';
import { processIdentity } from '../../host/process-identity.ts';
import { resolveDestinations } from '../../network/destinations.ts';
import { removeWithGuard } from '../../network/remove-guard.ts';
import { openPodman, type Podman, waitForPodman } from '../../podman/client.ts';
import { startSandboxes } from '../../podman/containers.ts';
import { findImage } from '../../podman/images.ts';
import { createJob } from '../../podman/job-creation.ts';
import { removeJobObjects } from '../../podman/job-objects.ts';
import { serviceFacts } from '../../podman/service.ts';
import { type Finding, sortFindings } from '../../policy/finding.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Job } from '../../runner/job.ts';
import { parseImageReference } from '../../sandbox/image-reference.ts';
import { loadSeccompProfile } from '../../sandbox/seccomp-profile.ts';
import { Secret } from '../../secret.ts';
import type { JobDecision } from '../../stages/decision.ts';
import { guardAndProve, serviceSlices, sliceLimits } from '../../stages/proof.ts';
import { specify } from '../../stages/sandboxes.ts';

const podmanPatienceMs = 5000;
const somebody = '65534:65534';

/**
 * Gives every policy a job of nobody's on this host, made and looked at by what `prepare` makes jobs with, from the helper
 * image; removes it again. Nothing but our own programs runs in it.
 * @throws BulkheadError when the host can run no job at all, whatever its policy.
 */
export async function rehearse(
  policies: readonly Policy[],
  assigned: ReadonlySet<string>,
  configuration: Configuration,
): Promise<Finding[]> {
  const podman = openPodman(configuration.socket);
  await waitForPodman(podman, podmanPatienceMs);
  requireRootless(await serviceFacts(podman));
  const findings: Finding[] = [];
  // One after the other: a host that has memory for one job of each may not have it for all at once.
  for (const policy of policies) {
    findings.push(...(await rehearseOne(podman, policy, assigned.has(policy.name), configuration)));
  }
  return sortFindings(findings);
}

async function rehearseOne(
  podman: Podman,
  policy: Policy,
  isAssigned: boolean,
  configuration: Configuration,
): Promise<Finding[]> {
  try {
    return judge(policy, isAssigned, await prove(podman, policy, configuration));
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    const setting = /seccomp/i.test(error.message) ? 'seccomp' : '';
    const message = `this host can make no sandboxes for policy ${policy.name}: ${error.message}`;
    return [{ ...place(policy, setting), level: 'error', message, fix: error.hint }];
  }
}

async function prove(podman: Podman, policy: Policy, configuration: Configuration): Promise<GuaranteeResults> {
  const stop = new AbortController().signal;
  const job = jobOfNobody();
  const decision = decisionFor(policy, configuration);
  const image = await findImage(podman, configuration.helperImage);
  if (image === undefined) {
    const hint = 'Build it from the Containerfile of Bulkhead, as the user of the service.';
    throw new BulkheadError('helper-image-missing', `there is no helper image ${configuration.helperImage}`, hint);
  }
  const profile = await loadSeccompProfile(configuration.seccompProfiles, policy.settings.seccomp);
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
    await startSandboxes(podman, spec);
    const made = { spec, networks, reachable };
    return (await guardAndProve(podman, job.key, made, images, profile, decision, slice)).results;
  } finally {
    await removeWithGuard(podman, job.key, () => removeJobObjects(podman, job.key, 0));
    await removeJobSlice(configuration.socket, job.key);
  }
}

/** Its key is one that no job of GitLab's can have. */
function jobOfNobody(): Job {
  return {
    id: 0,
    instance: 'bulkhead:policy-check',
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

/**
 * What speaks against giving jobs this policy here. Pure.
 * @param isAssigned whether any job gets it; what no job meets is only worth knowing.
 */
export function judge(policy: Policy, isAssigned: boolean, results: GuaranteeResults): Finding[] {
  return guaranteeNames.flatMap((name: GuaranteeName): Finding[] => {
    const seen = results[name];
    const index = policy.settings.require.indexOf(name);
    const isRequired = index >= 0;
    const at = place(policy, 'require', isRequired ? `[${index}]` : '');
    const needed = isAssigned ? 'error' : 'info';
    if (seen?.state === 'proven') return [];
    if (seen?.state === 'violated') {
      return [
        { ...at, level: 'error', message: `${name} does not hold on this host: ${seen.reason}`, fix: seen.remedy },
      ];
    }
    if (!isRequired) {
      const message = `this host cannot give ${name}, which is not required: ${seen?.reason}`;
      return seen === undefined || !isAssigned ? [] : [{ ...at, level: 'info', message, fix: seen.remedy }];
    }
    const reason = seen?.reason ?? 'nothing observes it here';
    const message = `requires ${name}, which this host cannot give: ${reason}`;
    return [{ ...at, level: needed, message, fix: seen?.remedy ?? `Take ${name} out of "require".` }];
  });
}

function place(policy: Policy, setting: string, entry = ''): Pick<Finding, 'file' | 'line' | 'path'> {
  const origin = policy.origins.get(setting);
  return { file: origin?.file ?? `${policy.name}.json`, line: origin?.line ?? 1, path: `${setting}${entry}` };
}
