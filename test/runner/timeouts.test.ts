import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Suite } from './suite.ts';

const suite = await Suite.start();
after(() => suite[Symbol.asyncDispose]());

describe('timeouts', { concurrency: 4 }, () => {
  test('RUNNER_SCRIPT_TIMEOUT ends the script; after_script and uploads still run', async () => {
    const job = await suite.play({
      variables: { RUNNER_SCRIPT_TIMEOUT: '5s' },
      script: ['echo found >file', 'sleep 1000'],
      afterScript: ['echo "after: $CI_JOB_STATUS"', 'ps -o args | grep -c "[s]leep 1000" || true'],
      artifacts: [{ paths: ['file'], when: 'always' }],
    });
    assert.equal(job.final.state, 'failed', job.log);
    assert.equal(job.final.failureReason, 'job_execution_timeout');
    assert.match(job.log, /^after: timedout$/m);
    assert.match(job.log, /^0$/m);
    assert.equal(job.artifacts.length, 1);
  });

  test("the job's timeout ends all of it", async () => {
    const job = await suite.play({ timeout: 25, script: ['echo began', 'sleep 1000'], afterScript: ['echo after'] });
    assert.deepEqual(job.final, { state: 'failed', failureReason: 'job_execution_timeout', exitCode: undefined });
    assert.match(job.log, /^began$/m);
    assert.doesNotMatch(job.log, /^after$/m);
    assert.match(job.log, /execution took longer than 25s seconds/);
  });

  test('a script that does not listen to SIGTERM ends as well', async () => {
    const job = await suite.play({
      variables: { RUNNER_SCRIPT_TIMEOUT: '5s' },
      script: [`trap '' TERM HUP INT`, 'while :; do sleep 1; done'],
      afterScript: ['echo after'],
    });
    assert.equal(job.final.failureReason, 'job_execution_timeout', job.log);
    assert.match(job.log, /^after$/m);
  });
});
