import { allDone } from '../all-done.ts';
import { type Configuration, loadConfiguration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import { enforce, summary } from '../guarantees/results.ts';
import { requireRootless } from '../guarantees/rootless.ts';
import { makeJobSlice, removeJobSlice } from '../host/job-slice.ts';
import { runnerIdentity } from '../host/process-identity.ts';
import { resolveDestinations } from '../network/destinations.ts';
import { removeWithGuard } from '../network/remove-guard.ts';
import { sweepOrphans } from '../orphans/sweep.ts';
import { openPodman, type Podman, waitForPodman } from '../podman/client.ts';
import { startSandboxes } from '../podman/containers.ts';
import { execute } from '../podman/exec.ts';
import { createJob } from '../podman/job-creation.ts';
import { removeJobObjects } from '../podman/job-objects.ts';
import { serviceFacts } from '../podman/service.ts';
import { Account } from '../receipts/account.ts';
import { appendReceipt } from '../receipts/append.ts';
import { type Job, readJob } from '../runner/job.ts';
import { escapeForeign, logLine } from '../runner/job-log.ts';
import { collapsedSection } from '../runner/log-section.ts';
import { formatImageReference, type ImageReference } from '../sandbox/image-reference.ts';
import { loadSeccompProfile } from '../sandbox/seccomp-profile.ts';
import { shellProbeCommand } from '../sandbox/shell.ts';
import type { JobSpec } from '../sandbox/specification.ts';
import { beginServices } from './begin-services.ts';
import type { Stage, StageContext } from './context.ts';
import { decideJob, type JobDecision } from './decision.ts';
import { notStarted } from './exceeded-limit.ts';
import { guardAndProve, serviceSlices, sliceLimits } from './proof.ts';
import { describeSandboxes } from './sandbox-details.ts';
import { resolveImages, specify } from './sandboxes.ts';
import { describeServices, planServices } from './services.ts';

const podmanPatienceMs = 5000;
const longestLine = 4000;

/**
 * `prepare`: decides what the job gets, makes its network, volumes and sandboxes, and proves what they are. Starts from
 * nothing each time, and leaves a receipt, whatever comes of it.
 */
export const prepare: Stage = async (context) => {
  const configuration = await loadConfiguration(context.env, context.configPath);
  const job = await readJob(context.env);
  const runnerProcess = await runnerIdentity(context.env['JOB_RESPONSE_FILE'] ?? '');
  const account = new Account(job, runnerProcess, context.onStep);
  try {
    const decision = await decideJob(job, configuration);
    await logLine(`Using policy "${decision.policy.name}" (${place(decision)}) ...`);
    account.policy = { name: decision.policy.name, hash: decision.policy.hash, assignment: place(decision) };
    account.lap('decide');
    await makeAndProve(context, configuration, job, decision, runnerProcess, account);
  } catch (error) {
    await appendReceipt(configuration.stateFolder, account.refused(error)).catch(warn);
    throw error;
  }
  return context.codes.success;
};

async function makeAndProve(
  { env, stop }: StageContext,
  configuration: Configuration,
  job: Job,
  decision: JobDecision,
  runnerProcess: string,
  account: Account,
): Promise<void> {
  const profile = await loadSeccompProfile(configuration.seccompProfiles, decision.policy.settings.seccomp);
  const podman = openPodman(configuration.socket);
  await waitForPodman(podman, podmanPatienceMs);
  // A prepare that was killed may have left some.
  await removeJobObjects(podman, job.key, 0);
  const sweeping = sweepOrphans(podman, configuration, stop);
  try {
    const planned = await planServices(job, decision);
    const slices = serviceSlices(decision, planned);
    const slice = await makeJobSlice(configuration.socket, job.key, sliceLimits(decision), slices);
    const make = async () => {
      const resolving = resolveDestinations(decision.policy.settings.network.allow, job.instance);
      for (const { title } of planned) await logLine(`Starting service ${escapeForeign(title)} ...`);
      const images = await resolveImages(podman, configuration, env, job, decision, planned, stop, (bytes) => {
        account.pulledBytes += bytes;
      });
      account.helper = { reference: configuration.helperImage, id: images.helper.id };
      account.build = imageOf(decision.image.reference, images.build.id);
      account.services = images.services.map(({ reference, id }) => imageOf(reference, id));
      account.lap('images');
      stop.throwIfAborted();
      const services = describeServices(planned, images.services, job, env);
      const demands = services.map(({ demand }) => demand);
      const spec = specify(job, decision, configuration, profile, slice, runnerProcess, images, demands);
      const ids = {
        helper: images.helper.id,
        build: images.build.id,
        services: images.services.map(({ id }) => id),
      };
      const reachable = await resolving;
      for (const text of reachable.warnings) await logLine(`bulkhead: WARNING: ${escapeForeign(text)}`, 'stderr');
      const networks = await createJob(podman, spec, ids, configuration, stop, reachable.pins);
      stop.throwIfAborted();
      return { images, services, spec, networks, reachable };
    };
    // Podman takes a while to describe itself; nothing is started until it has.
    const [service, made] = await allDone([describeService(podman), make()]);
    const { images, services, spec } = made;
    account.lap('create');
    await startSandboxes(podman, spec);
    account.lap('start');
    stop.throwIfAborted();

    const proof = await guardAndProve(podman, job.key, made, images, profile, decision, slice);
    account.guarantees = proof.results;
    const runtime = { version: service.runtimeVersion, flags: [...proof.runtimeFlags] };
    account.runtime = runtime;
    account.lap('prove');
    enforce(proof.results, decision.policy.settings.require);
    await logProof(
      job,
      summary(proof.results),
      describeSandboxes(decision.policy.settings, spec.build.user, images, runtime, proof.results),
    );

    await requireShell(podman, spec, decision);
    stop.throwIfAborted();
    if (services.length > 0) {
      await beginServices(podman, configuration, env, job, decision, spec, services, stop);
      account.lap('services');
    }
    await appendReceipt(configuration.stateFolder, account.prepared());
  } catch (error) {
    const remove = () => removeJobObjects(podman, job.key, Number.POSITIVE_INFINITY);
    await removeWithGuard(podman, job.key, remove).catch(warn);
    await removeJobSlice(configuration.socket, job.key).catch(warn);
    throw error;
  } finally {
    await sweeping;
  }
}

async function describeService(podman: Podman) {
  const service = await serviceFacts(podman);
  requireRootless(service);
  return service;
}

/** Where the assignment stands that gave the job its policy. */
function place({ assigned }: JobDecision): string {
  return `${assigned.file}:${assigned.line}`;
}

function imageOf(reference: ImageReference, id: string) {
  return {
    reference: formatImageReference(reference),
    id,
    ...(reference.digest !== undefined && { digest: reference.digest }),
  };
}

async function logProof({ logSections }: Job, summary: string, details: readonly string[]): Promise<void> {
  const safe = (text: string) => escapeForeign(text, longestLine);
  if (!logSections) return await logLine(safe(summary));
  const now = Math.floor(Date.now() / 1000);
  await logLine(collapsedSection('bulkhead_sandboxes', safe(summary), details.map(safe), now));
}

/** What fails beside the failure that counts. */
async function warn(failure: Error): Promise<void> {
  await logLine(`bulkhead: WARNING: ${escapeForeign(failure.message)}`, 'stderr');
}

async function requireShell(podman: Podman, spec: JobSpec, { image }: JobDecision): Promise<void> {
  const exitCode = await execute(podman, spec.build.name, shellProbeCommand());
  if (exitCode === 0) return;
  if (exitCode === notStarted) {
    throw new BulkheadError(
      'sandbox-start-failed',
      'no process can be started in the build sandbox',
      "Look at the Podman service's log; a limits.pids below what gVisor itself needs (about 150) does this, too.",
    );
  }
  throw new BulkheadError(
    'shell-not-found',
    `image ${formatImageReference(image.reference)} has no shell to run scripts with`,
    'Use an image for the platform of this runner that has bash or sh in /bin, /usr/bin or /usr/local/bin.',
  );
}
