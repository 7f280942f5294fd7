import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { variable } from '../../../src/player/variables.ts';
import { needsLinux } from '../needs-linux.ts';
import { FakeDriver } from './fake-driver.ts';

describe('a whole job', () => {
  test('success: stages in order, masked log, cleanup kept out of it', async () => {
    using driver = new FakeDriver();
    const variables = [variable('PASSWORD', 'hunter2hunter2', { masked: true })];
    const result = await driver.player({ script: ['echo "is $PASSWORD $FROM_CONFIG"'], variables }).play();
    assert.equal(result.state, 'success', result.log);
    assert.deepEqual(driver.stages, ['prepare_script', 'get_sources', 'build_script', 'cleanup_file_variables']);
    assert.deepEqual(driver.calls, ['config', 'prepare', 'run', 'run', 'run', 'run', 'cleanup']);
    assert.match(result.log, /^is \[MASKED\] yes$/m);
    assert.doesNotMatch(result.log, /hunter2/);
    assert.match(result.log, /Using Custom executor with driver fake 1\.\.\./);
    assert.match(result.log, /Running on \S+ via fakehost\.\.\./);
    assert.doesNotMatch(result.log, /cleanup talks/);
    assert.equal(result.stages.at(-1)?.stderr.toString(), 'cleanup talks\n');
  });

  test('a failing script: its code, the _on_failure stages, after_script with its status', async () => {
    using driver = new FakeDriver();
    const input = {
      script: ['exit 42'],
      afterScript: ['echo "status $CI_JOB_STATUS"'],
      cache: [{ key: 'k', paths: ['p'], when: 'on_failure' as const }],
      artifacts: [{ paths: ['p'], when: 'always' as const }],
    };
    const result = await driver.player(input).play();
    assert.deepEqual([result.state, result.reason, result.exitCode], ['failed', 'script_failure', 42]);
    assert.match(result.log, /^status failed$/m);
    assert.match(result.log, /Job failed: exit status 42/);
    assert.deepEqual(driver.stages.slice(2), [
      ...['restore_cache', 'build_script', 'after_script'],
      ...['archive_cache_on_failure', 'upload_artifacts_on_failure', 'cleanup_file_variables'],
    ]);
  });

  test('extra steps run after the script, and not after a failed one', async () => {
    using driver = new FakeDriver();
    const extraSteps = [{ name: 'release', script: ['echo released'] }];
    await driver.player({ extraSteps }).play();
    assert.equal(driver.stages[3], 'step_release');
    using failing = new FakeDriver();
    await failing.player({ extraSteps, script: ['false'] }).play();
    assert.equal(failing.stages.includes('step_release'), false);
  });

  const codes = [
    { run: 'exit 1', reason: 'script_failure', exitCode: 1, why: 'no file' },
    { run: 'echo 7 > "$BUILD_EXIT_CODE_FILE"; exit 1', reason: 'script_failure', exitCode: 7, why: 'a number' },
    {
      run: 'printf "9\\n8" > "$BUILD_EXIT_CODE_FILE"; exit 1',
      reason: 'script_failure',
      exitCode: 9,
      why: 'first line',
    },
    { run: ': > "$BUILD_EXIT_CODE_FILE"; exit 1', reason: 'runner_system_failure', exitCode: 0, why: 'an empty file' },
    { run: 'echo x > "$BUILD_EXIT_CODE_FILE"; exit 1', reason: 'runner_system_failure', exitCode: 0, why: 'no number' },
    { run: 'exit 2', reason: 'runner_system_failure', exitCode: 0, why: 'the system failure code' },
    { run: 'exit 77', reason: 'runner_system_failure', exitCode: 0, why: 'an unknown code' },
    { run: 'kill -KILL $$', reason: 'runner_system_failure', exitCode: 0, why: 'a signal' },
  ];
  for (const { run, reason, exitCode, why } of codes) {
    test(`run ends with ${why}: ${reason}`, async () => {
      using driver = new FakeDriver();
      const result = await driver.player({}, { FAKE_RUN: `[ "$3" != build_script ] || { ${run}; }` }).play();
      assert.deepEqual([result.state, result.reason, result.exitCode], ['failed', reason, exitCode], result.message);
      assert.equal(driver.calls.at(-1), 'cleanup');
    });
  }

  test('an exit-code file that an earlier stage left counts for a later one', async () => {
    using driver = new FakeDriver();
    const careless = 'case "$3" in get_sources) echo 5 > "$BUILD_EXIT_CODE_FILE"; exit 0;; build_script) exit 1;; esac';
    const result = await driver.player({}, { FAKE_RUN: careless }).play();
    assert.deepEqual([result.reason, result.exitCode], ['script_failure', 5]);
  });
});

describe('preparation', () => {
  test('a system failure is tried three times, with a cleanup after each failed attempt', async () => {
    using driver = new FakeDriver();
    const result = await driver.player({}, { FAKE_PREPARE_FAILS: '2' }).play();
    assert.equal(result.state, 'success', result.log);
    const attempt = ['config', 'prepare', 'cleanup'];
    assert.deepEqual(driver.calls.slice(0, 8), [...attempt, ...attempt, 'config', 'prepare']);
    assert.equal(result.log.match(/Preparation failed: exit status 2/g)?.length, 2);
  });

  test('three failures end the job', async () => {
    using driver = new FakeDriver();
    const result = await driver.player({}, { FAKE_PREPARE_FAILS: '9' }).play();
    assert.deepEqual([result.state, result.reason], ['failed', 'runner_system_failure']);
    assert.equal(driver.calls.filter((call) => call === 'cleanup').length, 3);
  });

  test('a build failure is final at once', async () => {
    using driver = new FakeDriver();
    const result = await driver.player({}, { FAKE_PREPARE_FAILS: '9', FAKE_PREPARE_CODE: '1' }).play();
    assert.deepEqual([result.reason, result.exitCode], ['script_failure', 1]);
    assert.deepEqual(driver.calls, ['config', 'prepare', 'cleanup']);
  });

  test('config must print one JSON object with both directories', async () => {
    for (const text of ['hello', '{}{}', '["a"]']) {
      using driver = new FakeDriver();
      const result = await driver.player({}, { FAKE_CONFIG: text }).play();
      assert.equal(result.reason, 'runner_system_failure', text);
      assert.equal(driver.calls.filter((call) => call === 'config').length, 3);
    }
    using driver = new FakeDriver();
    const result = await driver.player({}, { FAKE_CONFIG: '{"builds_dir":"/b"}' }).play();
    assert.deepEqual(
      [result.reason, result.message],
      ['runner_configuration_error', 'the cache_dir is not configured'],
    );
  });
});

describe('cancel', () => {
  test('during the script: SIGTERM, then after_script and the rest', async () => {
    using driver = new FakeDriver();
    const player = driver.player(
      { script: ['echo begun; sleep 30'], afterScript: ['echo "after: $CI_JOB_STATUS"'] },
      {},
      { onLog: (chunk) => chunk.includes('begun\n') && player.cancel() },
    );
    const result = await player.play();
    assert.deepEqual([result.state, result.reason], ['canceled', 'job_canceled'], result.log);
    assert.match(result.log, /^after: canceled$/m);
    assert.deepEqual(driver.stages.slice(2), ['build_script', 'after_script', 'cleanup_file_variables']);
  });

  test('forced, or by the job timeout: only cleanup follows', async () => {
    using driver = new FakeDriver();
    const script = { script: ['echo begun; sleep 30'], afterScript: ['true'] };
    const player = driver.player(script, {}, { onLog: (chunk) => chunk.includes('begun\n') && player.abort() });
    assert.equal((await player.play()).state, 'canceled');
    assert.equal(driver.stages.at(-1), 'build_script');
    assert.equal(driver.calls.at(-1), 'cleanup');

    using slow = new FakeDriver();
    const timings = { gracefulKillMs: 400, forceKillMs: 400, jobTimeoutMs: 300 };
    const result = await slow.player(script, {}, { timings }).play();
    assert.deepEqual([result.state, result.reason], ['failed', 'job_execution_timeout']);
    assert.equal(slow.stages.includes('after_script'), false);
    assert.equal(slow.calls.at(-1), 'cleanup');
  });

  test('RUNNER_SCRIPT_TIMEOUT ends the script alone', async () => {
    using driver = new FakeDriver();
    const input = { script: ['sleep 30'], afterScript: ['true'], variables: { RUNNER_SCRIPT_TIMEOUT: '200ms' } };
    const result = await driver.player(input).play();
    assert.equal(result.reason, 'job_execution_timeout');
    assert.equal(driver.stages.includes('after_script'), true);
  });

  for (const timeout of ['2000h', '1.0015s']) {
    test(`a job with timeouts that no timer takes ends as any other: ${timeout}`, async () => {
      using driver = new FakeDriver();
      const variables = { RUNNER_SCRIPT_TIMEOUT: timeout, RUNNER_AFTER_SCRIPT_TIMEOUT: timeout };
      const days = 24 * 3600;
      const result = await driver.player({ afterScript: ['true'], timeout: 30 * days, variables }).play();
      assert.deepEqual([result.state, result.message], ['success', undefined], result.log);
      assert.equal(driver.calls.at(-1), 'cleanup');
    });
  }

  test('a driver that ignores SIGTERM is killed; one whose output stays open is abandoned', async () => {
    using driver = new FakeDriver();
    const loop = "trap '' TERM; echo up; while :; do sleep 0.05; done";
    using first = driver.player({}, { FAKE_RUN: loop });
    const deaf = await first.startRun('build_script', '');
    await deaf.outputs('up');
    assert.equal((await deaf.terminate(100, 1000)).signal, 'SIGKILL');

    using second = driver.player();
    const held = await second.startRun('build_script', "setsid sh -c 'echo up; sleep 2' & wait");
    await held.outputs('up');
    const result = await held.terminate(100, 100);
    assert.deepEqual([result.abandoned, result.exitCode], [true, null]);
  });
});

describe('a single stage', () => {
  test('has the surroundings that the runner gives', async () => {
    using driver = new FakeDriver();
    using player = driver.player({ name: 'surroundings' }, { FAKE_SHELL: 'sh' });
    assert.equal((await player.stage('config')).exitCode, 0);
    const script = 'pwd; echo "$TMPDIR"; stat -c %a . "$JOB_RESPONSE_FILE" "$0"; echo "$CUSTOM_ENV_CI_JOB_NAME"; cat';
    const { stdout, exitCode } = await player.run('build_script', script);
    const directory = await player.directory();
    assert.equal(exitCode, 0);
    assert.equal(stdout.toString(), `${directory}\n${directory}\n700\n600\n700\nsurroundings\n`);
    assert.equal(statSync(join(directory, 'response.json')).mode & 0o777, 0o600);
    player.dispose();
    assert.equal(existsSync(directory), false);
  });

  test('takes a script of bytes, and generates one on its own', async () => {
    using driver = new FakeDriver();
    using player = driver.player({ script: ['echo generated'] });
    await player.stage('config');
    await player.run('get_sources');
    assert.match((await player.run('build_script')).stdout.toString(), /^generated$/m);
    assert.equal((await player.run('build_script', Buffer.from('echo exact'))).stdout.toString(), 'exact\n');
    assert.match((await player.run('x', player.userScript('pwd'))).stdout.toString(), /group\/project$/m);
  });

  test('counts and hashes output without keeping it', async () => {
    using driver = new FakeDriver();
    using player = driver.player();
    const script = 'head -c 50000000 /dev/zero; echo err >&2';
    const result = await player.run('build_script', script, { keepOutput: false });
    assert.deepEqual([result.stdoutBytes, result.stderrBytes, result.stdout.length], [50_000_000, 4, 0]);
    assert.equal(result.stdoutSha256, createHash('sha256').update(Buffer.alloc(50_000_000)).digest('hex'));
  });

  test('knows the peak memory of the process, and takes signals', async () => {
    using driver = new FakeDriver();
    using player = driver.player();
    const process = await player.startRun('build_script', 'echo up; sleep 5');
    await process.outputs('up');
    await sleep(30);
    process.signalGroup('SIGKILL');
    const { signal, peakKiB } = await process.result;
    assert.equal(signal, 'SIGKILL');
    // gVisor's /proc does not tell.
    if (!needsLinux) assert(peakKiB > 500 && peakKiB < 50_000, `${peakKiB}`);
  });
});
