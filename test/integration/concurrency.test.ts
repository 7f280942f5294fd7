import assert from 'node:assert/strict';
import { test } from 'node:test';
import { images, TestJob } from './host.ts';

test('10 jobs at once: no cross-talk, nothing left', async () => {
  const jobs = Array.from({ length: 10 }, (_, index) => {
    const own = `own-mark-${index}-of-ten`;
    return {
      own,
      job: new TestJob({
        image: index % 2 === 0 ? images.busybox : images.busyboxNonRoot,
        project: { path: `group/project-${index}`, id: 100 + index },
        variables: { OWN: own },
        script: [
          'echo "$OWN" > /builds/mark-$CI_JOB_ID',
          'i=0; while [ $i -lt 200 ]; do echo "$OWN $i"; i=$((i+1)); done',
          'ls /builds',
          'cat /builds/mark-*',
        ],
        afterScript: ['echo "after $OWN"'],
      }),
    };
  });
  const results = await Promise.all(jobs.map(({ job }) => job.player.play()));
  for (const [index, result] of results.entries()) {
    const own = jobs[index]?.own ?? '';
    assert.equal(result.state, 'success', result.log);
    assert.equal(result.log.match(new RegExp(`${own} \\d+$`, 'gm'))?.length, 200);
    assert.ok(result.log.includes(`after ${own}`));
    for (const other of jobs)
      if (other.own !== own) assert.ok(!result.log.includes(other.own), `${other.own} in the log of ${own}`);
  }
  for (const { job } of jobs) {
    await job.assertNothingLeft();
    await job[Symbol.asyncDispose]();
  }
});
