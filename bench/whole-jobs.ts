import { EXAMPLE_IMAGE, TEST_IMAGES } from '../setup/image-names.ts';
import type { JobInput } from '../src/player/job.ts';
import { type Executor, TwoExecutors } from '../test/runner/docker/two-executors.ts';
import type { ServerJob } from '../test/runner/gitlab/server-job.ts';
import { pushCommits } from '../test/runner/repositories.ts';
import { type Candidate, type Comparison, compare } from './measure.ts';

const pairs = 7;
const path = 'group/project';

/**
 * Whole jobs under our driver and under GitLab Runner's own Docker executor: one runner process, the same images, the same
 * Podman service, the same runsc. From the moment a runner takes the job until it has reported the end.
 */
export async function compareWholeJobs(report: (comparison: Comparison) => void): Promise<void> {
  await using runner = await TwoExecutors.start();
  const [sha = ''] = await pushCommits(runner.gitlab, path, [sources()]);
  const jobs: [what: string, job: JobInput][] = [
    ['an empty job', { image: TEST_IMAGES.busybox, variables: { GIT_STRATEGY: 'none' }, script: ['true'] }],
    [
      'clone, build, test',
      {
        image: EXAMPLE_IMAGE,
        project: { path },
        git: { sha },
        script: ['python3 -m compileall -q .', 'python3 -m unittest -q'],
      },
    ],
  ];
  for (const [what, job] of jobs) {
    report(await compare(what, candidate(runner, 'bulkhead', job), candidate(runner, 'docker', job), pairs));
  }
}

function candidate(runner: TwoExecutors, executor: Executor, input: JobInput): Candidate {
  let job: ServerJob | undefined;
  return {
    name: executor === 'bulkhead' ? 'Bulkhead' : 'Docker executor',
    // The runner asks for jobs once a second; that wait says nothing about an executor.
    setUp: async () => {
      job = runner.enqueue(executor, input);
      await job.started();
    },
    run: async () => {
      const { state } = (await job?.finished()) ?? {};
      if (state !== 'success') throw new Error(`the job under ${executor}: ${state}\n${job?.log}`);
    },
  };
}

/** A project of sixty modules, with a test for each. */
function sources(): Record<string, string> {
  const names = Array.from({ length: 60 }, (_, index) => `part_${index}`);
  const entries = names.flatMap((name, index): [string, string][] => [
    [`${name}.py`, `def value(x):\n    return sum(i * x for i in range(${1000 + index}))\n`],
    [
      `test_${name}.py`,
      `import unittest\nimport ${name}\n\nclass Test(unittest.TestCase):\n    def test(self):\n        self.assertEqual(${name}.value(0), 0)\n`,
    ],
  ]);
  return Object.fromEntries(entries);
}
