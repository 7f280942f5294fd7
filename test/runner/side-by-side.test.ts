import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { JobInput } from '../../src/player/job.ts';
import { images, Suite } from './suite.ts';

const suite = await Suite.start({ concurrent: 8 });
after(() => suite[Symbol.asyncDispose]());

/** Leaves its mark wherever jobs could meet, then looks for those of others. */
function marked(index: number): JobInput & { mark: string } {
  const mark = `mark-${index}-of-many`;
  return {
    mark,
    image: index % 2 === 0 ? images.busybox : images.busyboxNonRoot,
    project: { id: 100 + index, path: `group-${index}/project` },
    variables: { MARK: mark },
    cache: [{ key: 'default', paths: ['kept'] }],
    script: [
      'echo "$MARK" | tee kept >/tmp/mark',
      'echo "$MARK" >"/builds/$MARK"',
      'i=0; while [ $i -lt 200 ]; do echo "line $i of $MARK"; i=$((i+1)); done',
      'ls /builds; cat /tmp/mark*',
      'exit "$CI_PROJECT_ID"',
    ],
    afterScript: ['ls /builds'],
  };
}

async function playAll(inputs: readonly (JobInput & { mark: string })[], tokens: readonly string[]): Promise<void> {
  const jobs = inputs.map((input, index) => suite.enqueue(input, undefined, tokens[index % tokens.length]));
  for (const [index, job] of jobs.entries()) {
    const { mark = '', project } = inputs[index] ?? {};
    await suite.finish(job);
    assert.deepEqual(job.final, { state: 'failed', failureReason: 'script_failure', exitCode: project?.id }, job.log);
    assert.equal(job.log.match(new RegExp(`^line \\d+ of ${mark}$`, 'gm'))?.length, 200);
    for (const other of inputs) if (other.mark !== mark) assert.ok(!job.log.includes(other.mark), job.log);
  }
}

test('8 jobs of different projects at once on one runner', async () => {
  await playAll(
    Array.from({ length: 8 }, (_, index) => marked(index)),
    [suite.runner.token],
  );
});

test('two runners share a host; one that ends takes nothing of the other', async () => {
  const second = suite.startRunner({ concurrent: 2 });
  await playAll(
    Array.from({ length: 4 }, (_, index) => marked(10 + index)),
    [suite.runner.token, second.token],
  );
  const survivor = suite.enqueue({ script: ['echo "in the script"', 'sleep 10', 'echo survived'] });
  const lost = suite.enqueue({ script: ['echo "in the script"', 'sleep 1000'] }, undefined, second.token);
  await survivor.says('\nin the script\n');
  await lost.says('\nin the script\n');
  await second.stop('SIGTERM');
  await suite.assertNothingLeft(lost);
  await suite.finish(survivor);
  assert.equal(survivor.final?.state, 'success', survivor.log);
  assert.match(survivor.log, /^survived$/m);
});
