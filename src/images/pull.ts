import { setTimeout as sleep } from 'node:timers/promises';
import type { BulkheadError } from '../errors.ts';
import type { Podman } from '../podman/client.ts';
import { findImage, openPull, type StoredImage } from '../podman/images.ts';
import { describeBytes } from '../runner/describe-bytes.ts';
import { escapeForeign } from '../runner/job-log.ts';
import type { Credential } from './credentials.ts';
import { maskSecrets } from './mask.ts';
import { classifyPullError, isTransient } from './pull-failure.ts';
import { describeSeconds, PullProgress } from './pull-progress.ts';
import { boundedLines, readPullEvent } from './pull-stream.ts';

export interface PullRequest {
  readonly name: string;
  /** As Podman takes it, `linux/amd64`; undefined for this host's. */
  readonly platform: string | undefined;
  /** Undefined: nothing is shown to the registry. */
  readonly credential: Credential | undefined;
}

/** Where a pull is carried out, and who hears of it. */
export interface PullPlace {
  readonly podman: Podman;
  readonly say: (line: string) => Promise<void>;
  /** Is told after each try how many bytes came, as far as Podman tells: of a layer that takes it no time it tells none. */
  readonly came?: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Milliseconds. */
export interface PullTiming {
  readonly heartbeatMs: number;
  /** Before the second and each further try; a try more than there are waits. */
  readonly waitsMs: readonly number[];
}

const usual: PullTiming = { heartbeatMs: 10_000, waitsMs: [2000, 4000] };

/** A pull that did not come to its end; the message is Podman's or the registry's, without secrets. */
class PullFailure extends Error {
  readonly transient: boolean;

  constructor(message: string, transient = isTransient(message)) {
    super(message);
    this.transient = transient;
  }
}

/**
 * Pulls an image, several times if that may help, and says in the job log how it goes.
 * @throws BulkheadError `image-not-found`, `image-access-denied` (the job's author can fix it) or `image-pull-failed`; the
 *   signal's reason.
 */
export async function pullImage(place: PullPlace, request: PullRequest, timing = usual): Promise<StoredImage> {
  const { say, signal } = place;
  const { name, credential } = request;
  const of = request.platform === undefined ? '' : ` for ${request.platform}`;
  await say(
    `Pulling image ${name}${of}${credential === undefined ? '' : ` with credentials from ${credential.source}`} ...`,
  );
  const began = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      const image = await pullOnce(place, request, timing.heartbeatMs);
      const took = describeSeconds(performance.now() - began);
      await say(`Pulled image ${name} in ${took} (${describeBytes(image.bytes)} unpacked)`);
      return image;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PullFailure)) throw error;
      const waitMs = timing.waitsMs[tries - 1];
      if (waitMs === undefined || !error.transient) {
        throw classifyPullError(name, tries === 1 ? error.message : `${error.message} (try ${tries} of ${tries})`);
      }
      const all = timing.waitsMs.length + 1;
      const again = `(try ${tries} of ${all}); again in ${describeSeconds(waitMs)}`;
      await say(`bulkhead: WARNING: pulling image ${name} failed: ${escapeForeign(error.message)} ${again}`);
      // Jobs that failed together need not come back together.
      await sleep(waitMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

async function pullOnce(place: PullPlace, request: PullRequest, heartbeatMs: number): Promise<StoredImage> {
  const { podman, say, signal } = place;
  const { name, platform, credential } = request;
  const failure = (message: string) => new PullFailure(maskSecrets(message, credential));
  const stream = await openPull(podman, { name, platform, login: credential?.login.reveal() }, signal).catch(
    (error: BulkheadError) => {
      signal.throwIfAborted();
      // That Podman itself is out of reach is not the registry's doing.
      throw error.code === 'podman-request-failed' ? failure(error.message) : error;
    },
  );
  const progress = new PullProgress(performance.now());
  const heartbeat = beat(heartbeatMs, () => say(`Pulling image ${name}: ${progress.line(performance.now())}`));
  try {
    for await (const line of boundedLines(stream)) {
      const event = readPullEvent(line);
      if (event.kind === 'failure') throw failure(event.message);
      if (line !== '') progress.add(event, performance.now());
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PullFailure) throw error;
    throw new PullFailure(`Podman's answer broke off: ${(error as Error).message}`, true);
  } finally {
    place.came?.(progress.bytes);
    await heartbeat.end();
  }
  return await pulledImage(podman, request, progress.lastId);
}

/**
 * The image that the pull ended with. Only a stream that says so did end well; and between its end and our look another job
 * may have pulled another image of that name.
 */
async function pulledImage(podman: Podman, { name }: PullRequest, id: string | undefined): Promise<StoredImage> {
  if (id === undefined) throw new PullFailure("Podman's answer ended without a result", true);
  const image = await findImage(podman, name);
  if (image === undefined) throw new PullFailure('it was pulled, but is not in the local store', true);
  if (image.id.replace('sha256:', '').startsWith(id)) return image;
  throw new PullFailure('another image of that name took its place meanwhile', true);
}

/** Calls `work` again and again, and not again before it has ended. What goes wrong with it is the next writer's to find. */
function beat(everyMs: number, work: () => Promise<void>): { end: () => Promise<void> } {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= work()
      .catch(() => {})
      .finally(() => {
        running = undefined;
      });
  }, everyMs);
  return {
    async end() {
      clearInterval(timer);
      await running;
    },
  };
}
