import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { after, test } from 'node:test';
import { execa } from 'execa';
import { layout } from '../integration/host.ts';
import type { ServerJob } from './gitlab/server-job.ts';
import type { RunnerProcess } from './runner-process.ts';
import { Suite } from './suite.ts';

const suite = await Suite.start();
after(() => suite[Symbol.asyncDispose]());

const bulkhead = resolve(import.meta.dirname, '../../bin/bulkhead');
const waiting = {
  script: ['echo "in the script"', 'sleep 8', 'echo "end of the script"'],
  afterScript: ['echo after'],
};

/** A job in mid-script, on a runner of its own. */
async function midJob(): Promise<{ runner: RunnerProcess; job: ServerJob }> {
  const runner = suite.startRunner();
  const job = suite.enqueue(waiting, undefined, runner.token);
  await job.says('\nin the script\n');
  return { runner, job };
}

test('SIGQUIT: the runner ends when its job has', async () => {
  const { runner, job } = await midJob();
  await runner.stop('SIGQUIT');
  assert.equal(job.final?.state, 'success', job.log);
  assert.match(job.log, /^end of the script$[\s\S]*^after$/m);
  await suite.assertNothingLeft(job);
});

test('SIGTERM: the job is aborted and cleaned up before the runner ends', async () => {
  const { runner, job } = await midJob();
  await runner.stop('SIGTERM');
  assert.equal(job.final?.state, 'failed', job.log);
  assert.equal(job.final?.failureReason, 'runner_interrupted');
  assert.doesNotMatch(job.log, /^end of the script$/m);
  await suite.assertNothingLeft(job);
});

test('SIGKILL: what is left is found and removed, and nothing of a job that lives', async () => {
  const living = suite.enqueue({ script: ['echo "in the script"', 'while :; do echo alive; sleep 1; done'] });
  await living.says('\nin the script\n');
  const { runner, job } = await midJob();
  await runner.stop('SIGKILL');
  await assert.rejects(suite.assertNothingLeft(job));
  const { exitCode, stdout, stderr } = await execa(bulkhead, ['gc'], {
    env: { BULKHEAD_CONFIG: layout.config },
    reject: false,
  });
  assert.notEqual(exitCode, 2, `${stdout}${stderr}`);
  await suite.nothingLeftSoon(job);
  assert.equal(job.final, undefined);
  assert.doesNotMatch(job.log, /^end of the script$/m);
  await assert.rejects(suite.assertNothingLeft(living));
  living.forceCancel();
  await suite.nothingLeftSoon(living);
});
