import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { pushCommits } from './repositories.ts';
import { sentTerm, stageProcess } from './stage-process.ts';
import { Suite } from './suite.ts';

const suite = await Suite.start();
after(() => suite[Symbol.asyncDispose]());

const [sha = ''] = await pushCommits(suite.gitlab, 'group/project', [{ 'file.txt': 'content' }]);

/** The runner learns of a cancel when it sends some trace. */
const talking = 'while :; do echo working; sleep 1; done';

describe('cancel', { concurrency: 4 }, () => {
  test('during prepare', async () => {
    const job = suite.enqueue({ script: ['echo never'] });
    await job.started();
    const prepare = await stageProcess(job, 'prepare');
    process.kill(prepare, 'SIGSTOP');
    job.cancel();
    await sentTerm(prepare);
    process.kill(prepare, 'SIGCONT');
    await suite.finish(job);
    assert.equal(job.final?.failureReason, 'job_canceled', job.log);
    assert.equal(job.status, 'canceled');
    assert.doesNotMatch(job.log, /Will be retried|^never$/m);
  });

  test('during get_sources: no script runs, not even after_script', async () => {
    const job = suite.enqueue({
      git: { sha },
      hooks: [{ name: 'pre_get_sources_script', script: ['echo in the hook', talking] }],
      script: ['echo never'],
      afterScript: ['echo never'],
    });
    await job.says('in the hook\n');
    job.cancel();
    await suite.finish(job);
    assert.equal(job.final?.failureReason, 'job_canceled', job.log);
    assert.doesNotMatch(job.log, /^never$/m);
  });

  test('during the script: its processes end, after_script runs and knows', async () => {
    const job = suite.enqueue({
      script: ['sleep 1000 &', 'echo "in the script"', talking],
      afterScript: ['echo "after: $CI_JOB_STATUS"', 'ps -o args | grep -c "[s]leep 1000" || true'],
      artifacts: [{ paths: ['nothing'], when: 'on_failure' }],
    });
    await job.says('\nin the script\n');
    job.cancel();
    await suite.finish(job);
    assert.equal(job.final?.state, 'failed');
    assert.equal(job.final?.failureReason, 'job_canceled', job.log);
    assert.equal(job.status, 'canceled');
    assert.match(job.log, /^after: canceled\n.*\n0$/m);
  });

  test('forced, during the script: nothing of the job runs any more', async () => {
    const job = suite.enqueue({ script: ['echo "in the script"', talking], afterScript: ['echo never'] });
    await job.says('\nin the script\n');
    job.forceCancel();
    await suite.nothingLeftSoon(job);
    assert.equal(job.status, 'canceled');
    assert.doesNotMatch(job.log, /^never$/m);
  });
});
