import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { BulkheadError } from '../errors.ts';
import { formatImageReference, type ImageReference } from '../sandbox/image-reference.ts';
import { isNotFound, type Podman, request } from './client.ts';

/** The id of an image in the local store, or undefined. */
export async function findImage(podman: Podman, name: string): Promise<string | undefined> {
  try {
    return (await request('inspect image', podman.getImage(name).inspect())).Id;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * The id of the image, pulled when the local store lacks it. Images of the pseudo-registry `localhost` are never pulled:
 * they exist only in this host's store.
 * @throws BulkheadError `image-not-found`, `image-access-denied` (the job's author can fix it) or `image-pull-failed`.
 */
export async function resolveImage(
  podman: Podman,
  reference: ImageReference,
  beforePull: (name: string) => Promise<void>,
  signal: AbortSignal,
): Promise<string> {
  const name = formatImageReference(reference);
  const present = await findImage(podman, name);
  if (present !== undefined) return present;
  if (reference.registry === 'localhost') {
    throw new BulkheadError(
      'image-not-found',
      `image ${name} is not in this runner's local store`,
      'Images of "localhost" are provided by the operator of the runner. Check the name, or use one from a registry.',
    );
  }
  await beforePull(name);
  await pullImage(podman, name, signal);
  const pulled = await findImage(podman, name);
  if (pulled === undefined) throw pullFailed(name, 'it was pulled, but is not in the local store');
  return pulled;
}

/** Pulls, and takes an error reported inside the progress stream for what it is (dockerode's followProgress does not). */
async function pullImage(podman: Podman, name: string, signal: AbortSignal): Promise<void> {
  const progress = await request('pull image', podman.createImage({ fromImage: name, abortSignal: signal })).catch(
    (error: BulkheadError) => {
      if (signal.aborted) throw signal.reason;
      // That Podman itself is out of reach is not the registry's doing.
      throw error.code === 'podman-request-failed' ? classifyPullError(name, error.message) : error;
    },
  );
  try {
    for await (const line of createInterface({ input: Readable.from(progress), crlfDelay: Number.POSITIVE_INFINITY })) {
      const failure = errorIn(line);
      if (failure !== undefined) throw classifyPullError(name, failure);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof BulkheadError) throw error;
    throw pullFailed(name, (error as Error).message);
  }
}

function errorIn(line: string): string | undefined {
  if (line.trim() === '') return undefined;
  try {
    const { error, errorDetail } = JSON.parse(line) as { error?: string; errorDetail?: { message?: string } };
    // Podman 6 leaves out `error` once progress has begun.
    return error ?? errorDetail?.message;
  } catch {
    return `not JSON: ${line.slice(0, 200)}`;
  }
}

/** The wording is that of containers/image; what it does not settle is not the author's fault. */
export function classifyPullError(name: string, message: string): BulkheadError {
  if (
    /manifest unknown|name unknown|repository name not known|reading manifest .*\bnot found|artifact .* not found|no image found in (?:manifest list|image index)/i.test(
      message,
    )
  ) {
    return new BulkheadError(
      'image-not-found',
      `image ${name} does not exist in its registry: ${message}`,
      'Check the name and the tag of the image.',
    );
  }
  if (
    /unauthorized: |\(unauthorized\)|authentication required|access to the resource is denied|denied: access forbidden|bear(?:er)? token: .*\b403\b/i.test(
      message,
    )
  ) {
    return new BulkheadError(
      'image-access-denied',
      `the registry does not give out image ${name}: ${message}`,
      'Check the name of the image, and whether it is private.',
    );
  }
  return pullFailed(name, message);
}

function pullFailed(name: string, why: string): BulkheadError {
  return new BulkheadError(
    'image-pull-failed',
    `image ${name} could not be pulled: ${why}`,
    'Check the network between this host and the registry; retry the job.',
  );
}
