import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tableName } from '../../src/network/ruleset.ts';
import { configurationWith, images, podman, TestJob } from './host.ts';

let job: TestJob;
before(async () => {
  job = await TestJob.prepared({ image: images.busybox });
});
after(async () => {
  await job[Symbol.asyncDispose]();
});

/** Every process of the sandbox but PID 1 and the ones that look, as `pid state name` lines. */
const listOthers = `for d in /proc/[0-9]*; do
  [ "$d" = /proc/1 ] && continue
  read -r pid name state rest < $d/stat 2>/dev/null || continue
  echo "$pid $state $name"
done`;

async function others(): Promise<string[]> {
  const { stdout } = await job.sh(listOthers);
  // The stage's own shells: supervisor and script.
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !/\((sh|busybox)\)/.test(line));
}

test('a background process neither hangs the stage nor survives it', async () => {
  const started = performance.now();
  const result = await job.sh('sleep 300 & setsid sleep 301 & (sleep 302 &) ; echo started');
  assert.deepEqual([result.exitCode, result.stdout.toString()], [0, 'started\n']);
  assert.ok(performance.now() - started < 60_000);
  assert.deepEqual(await others(), []);
});

test('a background process of a failed script does not survive, either', async () => {
  assert.equal((await job.sh('sleep 300 & exit 4')).exitCodeFile, '4\n');
  assert.deepEqual(await others(), []);
});

test('zombies do not pile up', async () => {
  await job.sh('i=0; while [ $i -lt 50 ]; do (sleep 0.01 & exec true) ; i=$((i+1)); done; sleep 1');
  assert.deepEqual(await others(), []);
});

test('what a killed driver left running does not run beside the next stage', async () => {
  const process = await job.player.startRun('build_script', 'echo going; while :; do sleep 7.7; done');
  await process.outputs('going');
  process.signal('SIGKILL');
  await process.result;
  assert.deepEqual(await others(), []);
});

test('SIGTERM ends every process of the stage and leaves the sandbox usable', async () => {
  const process = await job.player.startRun(
    'build_script',
    'sleep 300 & setsid sleep 301 & trap "echo got TERM; exit 1" TERM; echo going; wait; sleep 302',
  );
  await process.outputs('going');
  const result = await process.terminate(60_000, 10_000);
  assert.deepEqual([result.exitCode, result.signal], [2, null], result.stdout.toString());
  assert.match(result.stdout.toString(), /^bulkhead: GitLab Runner ended this stage: .* \(terminated\)$/m);
  assert.match(result.stdout.toString(), /got TERM/);
  assert.deepEqual(await others(), []);
  assert.equal((await job.sh('echo after', 'after_script')).stdout.toString(), 'after\n');
});

test('a script that ignores SIGTERM is killed after the grace', async () => {
  await using configuration = await configurationWith({ terminationGraceSeconds: 1 });
  await using stubborn = await TestJob.prepared({}, { env: { BULKHEAD_CONFIG: configuration.path } });
  const process = await stubborn.player.startRun(
    'build_script',
    'trap "" TERM; echo going; while :; do sleep 300; done',
  );
  await process.outputs('going');
  const result = await process.terminate(60_000, 10_000);
  assert.deepEqual([result.exitCode, result.signal, result.abandoned], [2, null, false]);
  assert.equal((await stubborn.sh('echo after', 'after_script')).stdout.toString(), 'after\n');
});

test('SIGTERM to prepare removes what it made, and is a system failure', async () => {
  for (const afterMs of [50, 400, 600, 800, 1000]) {
    const canceled = new TestJob();
    await canceled.player.stage('config');
    const process = await canceled.player.start('prepare');
    await sleep(afterMs);
    const result = await process.terminate(60_000, 10_000);
    if (result.exitCode !== 0) {
      // In the first moments Node itself is still starting, and the signal just ends it: nothing has been made yet.
      const expected = result.signal === 'SIGTERM' && afterMs === 50 ? [null, 'SIGTERM'] : [2, null];
      assert.deepEqual([result.exitCode, result.signal], expected, `${afterMs} ms: ${result.stderr}`);
      await canceled.assertNothingLeft();
    }
    await canceled[Symbol.asyncDispose]();
  }
});

test('cleanup finishes in spite of SIGTERM, whenever it comes', async () => {
  const canceled = await TestJob.prepared();
  await using netns = await canceled.netns();
  const process = await canceled.player.start('cleanup');
  await signalHandled(process.pid);
  // Often enough to meet each of the programs that it calls: the signal goes to their process group, too, if it is the same.
  const again = setInterval(() => process.signalGroup('SIGTERM'), 2);
  const result = await process.result.finally(() => clearInterval(again));
  assert.deepEqual([result.exitCode, result.signal], [0, null], result.stderr.toString());
  await canceled.assertNothingLeft();
  const tables = await netns.run(['nft', 'list', 'tables']);
  assert.ok(!tables.includes(tableName(canceled.key)), 'the rules for its networks are gone');
  canceled.player.dispose();
});

/** Until the driver has its handlers. Node itself has one for SIGTERM, which ends it; SIGHUP is the last of the driver's. */
async function signalHandled(pid: number): Promise<void> {
  const sighup = 1n;
  for (;;) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
    if (caught !== undefined && (BigInt(`0x${caught}`) & sighup) !== 0n) return;
    await sleep(1);
  }
}

test('a sandbox that is killed in mid-script is a system failure, and cleanup still cleans', async () => {
  await using doomed = await TestJob.prepared();
  const script = await doomed.player.startRun('build_script', 'echo going; sleep 300');
  await script.outputs('going');
  const { State } = await podman.getContainer(doomed.name('build')).inspect();
  process.kill(State.Pid, 'SIGKILL');
  const result = await script.result;
  assert.equal(result.exitCode, 2, result.stdout.toString());
  assert.match(result.stdout.toString(), /\(sandbox-died: /);
  const next = await doomed.sh('true', 'after_script');
  assert.equal(next.exitCode, 2);
  assert.match(next.stdout.toString(), /\(sandbox-died: /);
});

test('a script that kills PID 1 ends its own sandbox only, and says so', async () => {
  await using doomed = await TestJob.prepared();
  const result = await doomed.sh('kill -9 1; sleep 5');
  assert.equal(result.exitCode, 2);
  assert.match(result.stdout.toString(), /\(sandbox-died: .*\n?/);
  assert.equal((await job.sh('echo other job')).stdout.toString(), 'other job\n');
});
