import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerJob } from '../gitlab/server-job.ts';
import { pushCommits } from '../repositories.ts';
import { type Difference, differences } from './compare.ts';
import { factsOf } from './facts.ts';
import type { ComparedJob } from './jobs.ts';
import type { Executor, TwoExecutors } from './two-executors.ts';

/** Puts a commit into the repository that the jobs are of. Returns its hash. */
export async function pushSources({ gitlab }: TwoExecutors): Promise<string> {
  const files = {
    README: 'A project\n',
    'run.sh': { content: '#!/bin/sh\n', mode: 0o755 },
    'dir/plain': 'plain\n',
    'dir/tool': { content: '#!/bin/sh\n', mode: 0o755 },
  };
  const [sha = ''] = await pushCommits(gitlab, 'group/project', [files]);
  return sha;
}

/** Runs the job under both executors, and says what differs. `projectId`: of this job alone, unless it names one itself. */
export async function playBoth(
  executors: TwoExecutors,
  name: string,
  job: ComparedJob,
  projectId: number,
): Promise<Difference[]> {
  const play = async (executor: Executor) => {
    const played = await playOne(executors, executor, job, projectId);
    return factsOf(played, job.trace ?? 'of the job');
  };
  const [docker, bulkhead] = await Promise.all([play('docker'), play('bulkhead')]);
  return differences(name, { docker, bulkhead });
}

/** The Docker executor did not get as far as the job's script, however often it was tried: there is nothing to compare with. */
export class NothingToCompare extends Error {}

const cutShort = /^(?:script_failure|job_execution_timeout)$/;

/**
 * On Podman, a helper container of the Docker executor now and then loses its connection and is killed, or has no network.
 * A run that ends like that says nothing, and is repeated.
 * @throws NothingToCompare
 */
export async function playOne(
  executors: TwoExecutors,
  executor: Executor,
  { before, input, cancelAfter }: ComparedJob,
  projectId: number,
): Promise<ServerJob> {
  if (before !== undefined) {
    await playOne(executors, executor, { input: before }, projectId);
    // The runner frees a job's slot a moment after it has reported its end, and the Docker executor keeps things by slot.
    await sleep(3000);
  }
  for (let tries = 1; ; tries += 1) {
    const job = executors.enqueue(executor, { project: { id: projectId, path: 'group/project' }, ...input });
    if (cancelAfter !== undefined) {
      await job.says(cancelAfter);
      job.cancel();
    }
    const { failureReason } = await job.finished();
    const cut = executor === 'docker' && cutShort.test(failureReason ?? '') && !job.log.includes(':step_script');
    if (!cut) return job;
    if (tries === 3) throw new NothingToCompare(`the Docker executor gave up three times:\n${job.log.slice(-1000)}`);
  }
}
