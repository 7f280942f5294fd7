import { readFile } from 'node:fs/promises';
import { allDone } from '../all-done.ts';
import { type Configuration, loadConfiguration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import { proveGvisor } from '../guarantees/gvisor.ts';
import { requireRootless } from '../guarantees/rootless.ts';
import { processIdentity } from '../host/process.ts';
import { sendEntries } from '../podman/archive.ts';
import { openPodman, type Podman, request, waitForPodman } from '../podman/client.ts';
import { createSandbox, startSandbox } from '../podman/containers.ts';
import { execute } from '../podman/exec.ts';
import { findImage, resolveImage } from '../podman/images.ts';
import { removeJobObjects } from '../podman/job-objects.ts';
import { type Job, readJob } from '../runner/job.ts';
import { escapeForeign, logLine } from '../runner/job-log.ts';
import { formatImageReference, type ImageReference, parseImageReference } from '../sandbox/image-reference.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import { shellProbeCommand } from '../sandbox/shell.ts';
import { builtInPolicy, type JobSpec, specifyJob } from '../sandbox/specification.ts';
import type { Stage } from './context.ts';

const podmanPatienceMs = 5000;
/** After the job's own timeout, for the stages that still run then. */
const deadlineSlackSeconds = 3600;

/** `prepare`: makes the job's network, volumes and sandboxes, and proves what they are. Starts from nothing each time. */
export const prepare: Stage = async (context) => {
  const configuration = await loadConfiguration(context.env, context.configPath);
  const job = await readJob(context.env);
  const reference = chooseImage(job, configuration);
  const podman = openPodman(configuration.socket);
  await waitForPodman(podman, podmanPatienceMs);
  const spec = specifyJob(job, configuration, {
    policy: builtInPolicy.name,
    policyHash: builtInPolicy.hash,
    deadline: Math.floor(Date.now() / 1000) + job.timeoutSeconds + deadlineSlackSeconds,
    runnerProcess: await processIdentity(process.ppid),
  });
  // A prepare that was killed may have left some.
  await removeJobObjects(podman, job.key, 0);
  try {
    // Podman takes a while to describe itself; nothing is started until it has.
    await allDone([requireRootless(podman), makeContainers(podman, spec, configuration, reference, context.stop)]);
    await startAndProve(podman, spec, context.stop);
    await requireShell(podman, spec, reference);
    context.stop.throwIfAborted();
  } catch (error) {
    await removeJobObjects(podman, job.key, Number.POSITIVE_INFINITY).catch((leftover: Error) =>
      logLine(`bulkhead: WARNING: ${escapeForeign(leftover.message)}`, 'stderr'),
    );
    throw error;
  }
  return context.codes.success;
};

async function makeContainers(
  podman: Podman,
  spec: JobSpec,
  configuration: Configuration,
  reference: ImageReference,
  stop: AbortSignal,
): Promise<void> {
  const helperId = await requireHelperImage(podman, configuration);
  const buildId = await resolveImage(podman, reference, (name) => logLine(`Pulling image ${name} ...`), stop);
  await logLine(`Using image ${formatImageReference(reference)} (${buildId.replace('sha256:', '').slice(0, 12)}) ...`);
  stop.throwIfAborted();
  await makeNetworkAndVolumes(podman, spec);
  stop.throwIfAborted();
  await allDone([
    createSandbox(podman, spec.courier, helperId),
    createSandbox(podman, spec.helper, helperId),
    createSandbox(podman, spec.build, buildId),
  ]);
  stop.throwIfAborted();
  await fillVolumes(podman, spec, configuration);
  stop.throwIfAborted();
}

/** Until the proof stands, nothing runs in the sandboxes but our own PID 1: no program of the job's image. */
async function startAndProve(podman: Podman, spec: JobSpec, stop: AbortSignal): Promise<void> {
  await allDone([startSandbox(podman, spec.helper), startSandbox(podman, spec.build)]);
  stop.throwIfAborted();
  const [evidence] = await allDone([proveGvisor(podman, spec.build.name), proveGvisor(podman, spec.helper.name)]);
  await logLine(
    `Isolation proven: gVisor (runsc, sandbox process ${evidence.pid}), rootless (uid ${evidence.process.uid}).`,
  );
}

/** The image's name is fixed here, once; what follows works with the id it resolved to. */
function chooseImage(job: Job, configuration: Configuration): ImageReference {
  const name = job.image ?? configuration.defaultImage;
  if (name === undefined) {
    throw new BulkheadError(
      'image-missing',
      'the job names no image, and this runner has no default image',
      'Add "image:" to the job, or "defaultImage" to the configuration of the runner.',
    );
  }
  return parseImageReference(name);
}

async function requireHelperImage(podman: Podman, configuration: Configuration): Promise<string> {
  const id = await findImage(podman, configuration.helperImage);
  if (id !== undefined) return id;
  throw new BulkheadError(
    'helper-image-missing',
    `the helper image ${configuration.helperImage} is not in the store of the Podman service`,
    'Build it from the Containerfile of Bulkhead, as the user of the service.',
  );
}

async function makeNetworkAndVolumes(podman: Podman, spec: JobSpec): Promise<void> {
  const { network, volumes } = spec;
  await allDone([
    request(
      'create network',
      podman.createNetwork({ Name: network.name, Driver: 'bridge', Labels: { ...network.labels } }),
    ),
    ...volumes.map(({ name, labels }) =>
      request('create volume', podman.createVolume({ Name: name, Labels: { ...labels } })),
    ),
  ]);
}

async function fillVolumes(podman: Podman, spec: JobSpec, configuration: Configuration): Promise<void> {
  const init = await readFile(configuration.init).catch((cause: Error) => {
    throw new BulkheadError(
      'init-unreadable',
      `the init for sandboxes cannot be read: ${cause.message}`,
      'Install catatonit, and name it as "init" in the configuration.',
      { cause },
    );
  });
  const { builds, driver } = sandboxPaths;
  await allDone([
    // Any user of any image may build here, as with the Docker executor.
    sendEntries(podman, spec.courier.name, builds, [{ name: './', mode: 0o777 }]),
    sendEntries(podman, spec.courier.name, driver, [
      { name: 'init', mode: 0o755, content: init },
      { name: 'scripts/', mode: 0o755 },
    ]),
  ]);
}

async function requireShell(podman: Podman, spec: JobSpec, reference: ImageReference): Promise<void> {
  const exitCode = await execute(podman, spec.build.name, shellProbeCommand());
  if (exitCode === 0) return;
  throw new BulkheadError(
    'shell-not-found',
    `image ${formatImageReference(reference)} has no shell to run scripts with`,
    'Use an image for the platform of this runner that has bash or sh in /bin, /usr/bin or /usr/local/bin.',
  );
}
