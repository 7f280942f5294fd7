import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerJob } from '../gitlab/server-job.ts';
import { pushCommits } from '../repositories.ts';
import { differences } from './compare.ts';
import { factsOf } from './facts.ts';
import type { ComparedJob } from './jobs.ts';
import { disagreements } from './known-difference.ts';
import { knownDifferences } from './known-differences.ts';
import type { Executor, TwoExecutors } from './two-executors.ts';
import { NothingToCompare, wrongInTheEnd } from './wrong-in-the-end.ts';

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

/**
 * Runs the job under both executors, and says in what they do not differ as listed.
 * @param onRepeat told what was wrong, before the Docker executor runs the job again.
 * @throws NothingToCompare
 */
export async function playBoth(
  executors: TwoExecutors,
  name: string,
  job: ComparedJob,
  onRepeat: (wrong: readonly string[]) => void,
): Promise<readonly string[]> {
  const play = async (executor: Executor) => {
    const played = await playOne(executors, executor, job);
    return factsOf(played, job.trace ?? 'of the job');
  };
  return wrongInTheEnd(
    play('bulkhead'),
    () => play('docker'),
    onRepeat,
    (facts) => disagreements(knownDifferences, name, differences(name, facts)),
  );
}

const cutShort = /^(?:script_failure|job_execution_timeout)$/;

/**
 * On Podman, a helper container of the Docker executor now and then loses its connection and is killed, or has no network.
 * A run that ends like that says nothing, and is repeated.
 * @throws NothingToCompare
 */
async function playOne(executors: TwoExecutors, executor: Executor, job: ComparedJob): Promise<ServerJob> {
  for (let tries = 1; ; tries += 1) {
    const played = await playOnce(executors, executor, job);
    const { failureReason } = await played.finished();
    const cut = executor === 'docker' && cutShort.test(failureReason ?? '') && !played.log.includes(':step_script');
    if (!cut) return played;
    if (tries === 3) throw new NothingToCompare(`the Docker executor gave up three times:\n${played.log.slice(-1000)}`);
  }
}

/** No job's id is as long: facts.ts must not take the one for the other. */
let lastProjectId = 10_000_000_000;

/** Each time in a new project: the Docker executor keeps the clone even of a run that was cut short. */
async function playOnce(
  executors: TwoExecutors,
  executor: Executor,
  { before, input, cancelAfter }: ComparedJob,
): Promise<ServerJob> {
  lastProjectId += 1;
  const project = { id: lastProjectId, path: 'group/project' };
  if (before !== undefined) {
    await executors.enqueue(executor, { project, ...before }).finished();
    // The runner frees a job's slot a moment after it has reported its end, and the Docker executor keeps things by slot.
    await sleep(3000);
  }
  const job = executors.enqueue(executor, { project, ...input });
  if (cancelAfter !== undefined) {
    // One that ends without it is compared, or repeated, as any other.
    await job.says(cancelAfter).then(
      () => job.cancel(),
      () => undefined,
    );
  }
  return job;
}
