import type { Configuration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import type { JobSlice } from '../host/job-slice.ts';
import { AccessRecords } from '../images/access-records.ts';
import { gatherCredentials } from '../images/credentials.ts';
import { parsePlatform } from '../images/platform.ts';
import { resolveImages as resolveAll } from '../images/resolve.ts';
import type { Podman } from '../podman/client.ts';
import { findImage, type ImageFacts, shortId } from '../podman/images.ts';
import type { Job } from '../runner/job.ts';
import { logLine } from '../runner/job-log.ts';
import { chooseEntrypoint } from '../sandbox/entrypoint.ts';
import { formatImageReference, type ImageReference } from '../sandbox/image-reference.ts';
import type { LoadedSeccompProfile } from '../sandbox/seccomp-profile.ts';
import type { JobSpec } from '../sandbox/specification.ts';
import { type ServiceDemand, specifyJob } from '../sandbox/specify.ts';
import { ulimitsLabel } from '../sandbox/ulimits.ts';
import { type JobDecision, requireAllowedUser } from './decision.ts';
import type { PlannedService } from './services.ts';

/** After the job's own timeout, for the stages that still run then. */
const deadlineSlackSeconds = 3600;
/** GitLab Runner's, for a job whose timeout is 0 (common/build.go, DefaultTimeout). */
const defaultTimeoutSeconds = 7200;

/** The images that a job's sandboxes are made of. */
export interface JobImages {
  readonly helper: ImageFacts;
  readonly build: ImageFacts;
  /** What the job's scripts are started by; empty for none. */
  readonly entrypoint: readonly string[];
  /** Of the services that are started. */
  readonly services: readonly (ImageFacts & { readonly reference: ImageReference })[];
}

/** Fixes what the job gets, under its policy and with what this host has. */
export function specify(
  job: Job,
  { policy, user }: JobDecision,
  configuration: Configuration,
  profile: LoadedSeccompProfile,
  slice: JobSlice,
  runnerProcess: string,
  images: Pick<JobImages, 'build' | 'entrypoint'>,
  services: readonly ServiceDemand[] = [],
): JobSpec {
  const host = {
    seccompProfile: profile.path,
    gitlabRunner: configuration.gitlabRunner,
    slice: slice.state === 'made' ? slice.name : undefined,
    serviceSlices: slice.state === 'made' ? slice.services : undefined,
  };
  const { log = null, disk = null, memory = null, pids = null } = policy.settings.limits;
  const owner = {
    policy: policy.name,
    policyHash: policy.hash,
    limits: { log, disk, memory, pids },
    ulimits: ulimitsLabel(policy.settings.ulimits),
    deadline: Math.floor(Date.now() / 1000) + (job.timeoutSeconds || defaultTimeoutSeconds) + deadlineSlackSeconds,
    runnerProcess,
  };
  const build = { user, imageUser: images.build.user, entrypoint: images.entrypoint };
  return specifyJob(job, policy.settings, host, owner, build, services);
}

/**
 * Resolves the images, once: what follows works with their ids.
 * @param came is told how many bytes each pull brought.
 * @throws BulkheadError `helper-image-missing`, `policy-user-refused`, `entrypoint-invalid`, or those of images/resolve.ts and images/credentials.ts.
 */
export async function resolveImages(
  podman: Podman,
  configuration: Configuration,
  env: NodeJS.ProcessEnv,
  job: Job,
  decision: JobDecision,
  services: readonly PlannedService[],
  signal: AbortSignal,
  came: (bytes: number) => void,
): Promise<JobImages> {
  const helper = await requireHelperImage(podman, configuration);
  const platform = (text: string | undefined) => (text === undefined ? undefined : parsePlatform(text));
  // The value is the author's own affair. As GitLab Runner hands it out its variables are expanded, and one that the operator
  // set for all jobs in config.toml is there, too; the job response has neither.
  const sources = { dockerAuthConfig: env['CUSTOM_ENV_DOCKER_AUTH_CONFIG'], job: job.registryLogins };
  const warn = (text: string) => logLine(`bulkhead: WARNING: ${text}`, 'stderr');
  const credentials = await gatherCredentials(sources, configuration, warn);
  let opened: Promise<AccessRecords> | undefined;
  const records = () => (opened ??= AccessRecords.open(configuration.stateFolder));
  const access = { podman, credentials, records, say: (line: string) => logLine(line), came, signal };
  const [build, ...rest] = await resolveAll(access, [
    { ...decision.image, platform: platform(job.imagePlatform) },
    ...services.map(({ allowed: { reference, pullPolicies }, definition }) => ({
      reference,
      pullPolicies,
      platform: platform(definition.platform),
    })),
  ]);
  if (build === undefined) throw new Error('no image was resolved');
  const name = formatImageReference(decision.image.reference);
  requireAllowedUser(decision.policy, name, decision.user ?? build.user);
  const entrypoint = chooseEntrypoint(job.imageEntrypoint, build.entrypoint);
  await logLine(`Using image ${name} (${shortId(build)}) ...`);
  const used = rest.map((image, index) => ({ ...image, ...ofService(decision, services[index], image) }));
  return { helper, build, entrypoint, services: used };
}

/** @throws BulkheadError `policy-user-refused`. */
function ofService({ policy }: JobDecision, service: PlannedService | undefined, { user }: ImageFacts) {
  if (service === undefined) throw new Error('an image of no service was resolved');
  const { reference, user: asked } = service.allowed;
  requireAllowedUser(policy, formatImageReference(reference), asked ?? user);
  return { reference };
}

async function requireHelperImage(podman: Podman, configuration: Configuration): Promise<ImageFacts> {
  const image = await findImage(podman, configuration.helperImage);
  if (image !== undefined) return image;
  throw new BulkheadError(
    'helper-image-missing',
    `the helper image ${configuration.helperImage} is not in the store of the Podman service`,
    'Build it from the Containerfile of Bulkhead, as the user of the service.',
  );
}
