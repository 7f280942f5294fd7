import { randomInt } from 'node:crypto';
import { allDone } from '../all-done.ts';
import { type JobInput, makeJob } from '../player/job.ts';
import type { Job as JobResponse } from '../player/job-response.ts';
import type { Player } from '../player/player.ts';
import type { StageResult } from '../player/stage-process.ts';
import { isNotFound, type Podman, request } from '../podman/client.ts';
import { parseJob } from '../runner/job.ts';
import { escapeForeign } from '../runner/job-log.ts';
import { cacheName, objectName } from '../sandbox/names.ts';
import type { Tree } from './tree.ts';

/** An address that nobody has (RFC 5737), in place of a GitLab server's. A name would have to be looked up. */
export const localInstance = 'http://192.0.2.1';
const noCommit = '0'.repeat(40);

/** What is told of the project on the command line, or by Git. */
export interface Project {
  readonly path: string;
  readonly protected: boolean;
  readonly branch: string;
  readonly sha: string;
}

export function projectOf({ branch, sha }: Tree, path: string, isProtected: boolean): Project {
  return { path, protected: isProtected, branch: branch ?? 'main', sha: sha ?? noCommit };
}

/** A job of its own, whose numbers no job of a GitLab has but by chance; no two runs share a cache either. */
export function makeLocalJob(input: JobInput, project: Project): JobResponse {
  return makeJob({
    ...input,
    id: randomInt(1, 2 ** 47),
    gitlabUrl: localInstance,
    userId: 0,
    project: { path: project.path, id: randomInt(1, 2 ** 47), namespaceId: 0 },
    git: { sha: project.sha, ref: project.branch, protected: project.protected },
  });
}

export function courierOf(job: JobResponse): string {
  return objectName(parseJob(job), 'courier');
}

export function helperOf(job: JobResponse): string {
  return objectName(parseJob(job), 'helper');
}

/**
 * Sees to it that nothing of a run is left, and says what is. Never rejects: how the run itself ended is what counts.
 * @param cleanup the end of the run's cleanup; undefined when nothing was prepared.
 */
export async function leaveNothing(
  { podman, note }: { readonly podman: Podman; readonly note: (text: string) => Promise<void> },
  player: Player,
  cleanup: () => Promise<StageResult | undefined>,
): Promise<void> {
  const left = (why: string) =>
    note(escapeForeign(`Something of the run is left; bulkhead gc removes it: ${why}`, 4000));
  try {
    const ended = await cleanup();
    if (ended !== undefined && ended.exitCode !== 0) {
      await left(`cleanup ended with ${ended.signal ?? ended.exitCode}. ${ended.stderr.toString().trim()}`);
    }
    await removeCaches(podman, player);
  } catch (error) {
    await left((error as Error).message);
  }
}

/** A cache outlives its jobs; that of a run like this has nobody to use it. */
async function removeCaches(podman: Podman, { build }: Player): Promise<void> {
  const job = parseJob(build.job);
  await allDone(
    (['all', 'protected', 'unprotected'] as const).map(async (tier) => {
      await request('remove the cache', podman.getVolume(cacheName(job, tier)).remove()).catch((error) => {
        if (!isNotFound(error)) throw error;
      });
    }),
  );
}
