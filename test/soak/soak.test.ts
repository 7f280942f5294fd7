import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { podman, processesWith } from '../integration/host.ts';
import type { ServerJob } from '../runner/gitlab/server-job.ts';
import { stageProcess } from '../runner/stage-process.ts';
import { Suite } from '../runner/suite.ts';
import { type MemorySample, medianOf, sampleMemory } from './memory.ts';

const total = Number(process.env['BULKHEAD_SOAK_JOBS'] ?? 200);
const seed = Number(process.env['BULKHEAD_SOAK_SEED'] ?? Date.now() % 1_000_000);

type Fate = 'succeeds' | 'fails' | 'is canceled' | 'is killed';

/** The same order for the same seed. */
function shuffle<T>(items: readonly T[]): T[] {
  let state = seed;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

const fates: Fate[] = shuffle(
  Array.from({ length: total }, (_, index): Fate => {
    if (index % 20 === 0) return 'is killed';
    if (index % 10 === 5) return 'is canceled';
    return index % 10 === 7 ? 'fails' : 'succeeds';
  }),
);

function enqueue(suite: Suite, fate: Fate, index: number): ServerJob {
  const waits = 'i=0; while [ $i -lt 300 ]; do echo working; sleep 1; i=$((i+1)); done';
  return suite.enqueue({
    project: { id: 700 + (index % 7), path: `group/project-${index % 7}` },
    script: [
      'echo "in the script"',
      'i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i+1)); done; echo kept > kept; mkdir -p a/b/c',
      ...(fate === 'is canceled' || fate === 'is killed' ? [waits] : []),
      ...(fate === 'fails' ? ['exit 3'] : []),
    ],
    cache: [{ key: 'default', paths: ['kept'] }],
    afterScript: ['echo after'],
  });
}

/** Meets its fate; returns what is not as it should be. */
async function meet(job: ServerJob, fate: Fate): Promise<string | undefined> {
  if (fate === 'is canceled' || fate === 'is killed') {
    await job.says('\nin the script\n');
    if (fate === 'is canceled') job.cancel();
    else process.kill(await stageProcess(job, 'run'), 'SIGKILL');
  }
  const { state, failureReason, exitCode } = await job.finished();
  const seen = [state, failureReason ?? '', exitCode ?? 0].join(' ');
  const expected = {
    succeeds: /^success {2}0$/,
    fails: /^failed script_failure 3$/,
    'is canceled': /^failed job_canceled /,
    'is killed': /^failed runner_system_failure /,
  }[fate];
  return expected.test(seen) ? undefined : `job ${job.id} ${fate}: ${seen}\n${job.log.slice(-2000)}`;
}

test(`${total} jobs, four at once, some of them canceled or their driver killed`, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const samples: MemorySample[] = [];
  const sampling = new AbortController();
  const sampler = (async () => {
    while (!sampling.signal.aborted) {
      samples.push(sampleMemory());
      await sleep(500);
    }
  })();
  const jobs: ServerJob[] = [];
  const wrong: string[] = [];
  {
    await using suite = await Suite.start({ concurrent: 4 });
    // A few more than run at once, so that no wait for a job's turn runs out.
    const queue = fates.entries();
    const lane = async () => {
      for (const [index, fate] of queue) {
        const job = enqueue(suite, fate, index);
        jobs.push(job);
        const problem = await meet(job, fate);
        if (problem !== undefined) wrong.push(problem);
        await suite.assertNothingLeft(job);
      }
    };
    await Promise.all(Array.from({ length: 4 }, lane));
    t.diagnostic(`${jobs.length} jobs, ${suite.runner.stages.length} stages`);
  }
  sampling.abort();
  await sampler;
  assert.deepEqual(wrong, []);

  const { Volumes } = await podman.listVolumes();
  const ours = [
    ...(await podman.listContainers({ all: true })).flatMap(({ Names }) => Names),
    ...(Volumes ?? []).map(({ Name }) => Name),
    ...(await podman.listNetworks()).map(({ Name }) => Name),
  ].filter((name) => jobs.some(({ id }) => name.includes(`bulkhead-${id}-`)));
  assert.deepEqual(ours, []);
  assert.deepEqual(processesWith('dist/bulkhead.cjs\0'), []);

  for (const name of ['service', 'driver'] as const) {
    const series = samples.flatMap((sample) => sample[name] ?? []);
    const [early, late] = [medianOf(series, [0.25, 0.5]), medianOf(series, [0.75, 1])];
    t.diagnostic(`${name}: median ${early.toFixed(0)} MiB in the second quarter, ${late.toFixed(0)} MiB in the last`);
    assert.ok(late < early * 1.25, `the ${name} grew from ${early} to ${late} MiB`);
  }
});
