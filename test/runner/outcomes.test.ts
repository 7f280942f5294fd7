import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { configurationWith, policyWith } from '../integration/host.ts';
import { gitlabRunner } from './build.ts';
import { stageProcess } from './stage-process.ts';
import { images, Suite } from './suite.ts';

const suite = await Suite.start();
after(() => suite[Symbol.asyncDispose]());

describe('what GitLab is told of a job', { concurrency: 4 }, () => {
  test('success, by the runner of our go.mod, also when GitLab first stores the trace', async () => {
    const job = suite.enqueue({ script: ['echo "by $CI_RUNNER_VERSION in $PWD"'] });
    job.deferrals = 2;
    await suite.finish(job);
    assert.deepEqual(job.final, { state: 'success', failureReason: undefined, exitCode: undefined });
    assert.match(job.log, /^by 19\.4\.0 in \/builds\/group\/project$/m);
    assert.match(job.log, /Using Custom executor with driver Bulkhead \d+\.\d+\.\d+\.\.\./);
    assert.match(job.log, /Job succeeded/);
    assert.equal(job.deferrals, 0);
  });

  test("the script's own exit code, which allow_failure:exit_codes looks at", async () => {
    const job = await suite.play({ script: ['echo before', 'exit 3', 'echo never'] });
    assert.deepEqual(job.final, { state: 'failed', failureReason: 'script_failure', exitCode: 3 });
    assert.match(job.log, /^before$/m);
    assert.doesNotMatch(job.log, /^never$/m);
    assert.match(job.log, /Job failed: exit code 3|exit status 3/);
  });

  test('a command that fails, in a pipe as well, where the shell is bash', async () => {
    const job = await suite.play({ image: images.python, script: ['false | cat', 'echo never'] });
    assert.deepEqual(job.final, { state: 'failed', failureReason: 'script_failure', exitCode: 1 });
    assert.doesNotMatch(job.log, /^never$/m);
  });

  test("an image that the policy refuses is the job's failure, at once", async () => {
    const job = await suite.play({ image: 'registry.example.com/no:1' });
    assert.deepEqual(job.final, { state: 'failed', failureReason: 'script_failure', exitCode: 1 });
    assert.match(job.log, /bulkhead: ERROR: .*registry\.example\.com\/no:1/);
    assert.doesNotMatch(job.log, /Will be retried/);
  });
});

test('a host that cannot run jobs: three tries, and a system failure', async () => {
  await using broken = await configurationWith({ helperImage: 'localhost/bulkhead/absent:1' });
  const runner = suite.startRunner({ configuration: broken.path });
  const job = await suite.play({}, undefined, runner.token);
  assert.equal(job.final.state, 'failed');
  assert.equal(job.final.failureReason, 'runner_system_failure');
  assert.equal(job.log.match(/bulkhead: ERROR: .*localhost\/bulkhead\/absent:1/g)?.length, 3);
  assert.equal(job.log.match(/Will be retried in 3s/g)?.length, 3);
  const attempt = ['config', 'prepare', 'cleanup'];
  assert.deepEqual(runner.stages, [...attempt, ...attempt, ...attempt]);
});

test('a prepare that was killed: the next try starts from nothing and passes', async () => {
  const job = suite.enqueue({ script: ['echo done'] });
  await job.started();
  const prepare = await stageProcess(job, 'prepare');
  process.kill(prepare, 'SIGKILL');
  await suite.finish(job);
  assert.equal(job.final?.state, 'success', job.log);
  assert.equal(job.log.match(/Will be retried in 3s/g)?.length, 1);
});

test("a policy's limit of output is the job's failure; the runner's own only cuts the trace", async () => {
  await using policy = await policyWith({ limits: { log: '100KiB' } }, { gitlabRunner: await gitlabRunner() });
  const limited = suite.startRunner({ configuration: policy.env.BULKHEAD_CONFIG });
  const cutting = suite.startRunner({ settings: ['output_limit = 64'] });
  const flood = { script: ["head -c 300000 /dev/zero | tr '\\0' x", 'echo end'], afterScript: ['echo after'] };
  const [tooMuch, cut] = await Promise.all([
    suite.play(flood, undefined, limited.token),
    suite.play(flood, undefined, cutting.token),
  ]);
  assert.equal(tooMuch.final.state, 'failed', tooMuch.log.slice(-2000));
  assert.equal(tooMuch.final.failureReason, 'script_failure');
  assert.match(tooMuch.log, /bulkhead: output cut here, after 100KiB/);
  assert.match(tooMuch.log, /limit-log-exceeded/);
  assert.match(tooMuch.log, /^after$/m);
  assert.equal(cut.final.state, 'success');
  assert.match(cut.log, /Job's log exceeded limit of 65536 bytes/);
  assert.ok(cut.trace.size < 70_000);
});
