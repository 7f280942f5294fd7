import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { ownPrograms } from '../player/player.ts';
import { images, policyWith, TestJob } from './host.ts';

const MiB = 1024 * 1024;
const driverLimitKiB = 150 * 1024;

let policy: Awaited<ReturnType<typeof policyWith>>;
let job: TestJob;
before(async () => {
  policy = await policyWith({ limits: { log: 'unlimited' } });
  job = await TestJob.prepared({ image: images.python }, { env: policy.env });
});
after(async () => {
  await job[Symbol.asyncDispose]();
  await policy[Symbol.asyncDispose]();
});

test('stdout and stderr arrive whole, and in order', async () => {
  const process = await job.player.startRun(
    'build_script',
    'i=0; while [ $i -lt 20 ]; do echo "out $i"; sleep 0.02; echo "err $i" >&2; sleep 0.02; i=$((i+1)); done',
  );
  const result = await process.result;
  const expected = Array.from({ length: 20 }, (_, index) => `out ${index}\nerr ${index}\n`).join('');
  // In one stream: GitLab Runner reads the two by two readers, and shows what they bring in any order.
  assert.deepEqual([result.stdout.toString(), result.stderr.toString()], [expected, '']);
});

test('every byte value survives', async () => {
  const result = await job.sh(`python3 -c "import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000)"`);
  const expected = Buffer.concat(
    Array.from({ length: 1000 }, () => Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
  );
  assert.ok(result.stdout.equals(expected));
});

test('a line of 10 MB', async () => {
  const result = await job.sh(`python3 -c "import sys; sys.stdout.write('x' * 10000000 + '\\n')"`);
  assert.equal(result.stdoutBytes, 10_000_001);
  assert.ok(result.peakKiB < driverLimitKiB, `driver had ${result.peakKiB} KiB`);
});

test('100,000 writes of one byte', async () => {
  const result = await job.sh(
    'python3 -c "import os\nfor i in range(100000): os.write(1 + i % 2, b\'ab\'[i % 2:i % 2 + 1])"',
  );
  assert.equal(result.exitCode, 0, result.stdout.toString().slice(0, 500));
  const letters = Object.groupBy(result.stdout.toString(), (letter) => letter);
  assert.deepEqual([letters['a']?.length, letters['b']?.length, result.stdoutBytes], [50_000, 50_000, 100_000]);
  assert.ok(result.peakKiB < driverLimitKiB, `driver had ${result.peakKiB} KiB`);
});

test('1 GiB of output, with the driver under 150 MB', async () => {
  const script =
    'python3 -c "import sys\nb = bytes(range(256)) * 4096\nfor i in range(1024): sys.stdout.buffer.write(b)"';
  const process = await job.player.startRun('build_script', script, { keepOutput: false });
  const result = await process.result;
  assert.equal(result.exitCode, 0, `${result.stderr}`);
  assert.equal(result.stdoutBytes, 1024 * MiB);
  const hash = createHash('sha256');
  const block = Buffer.alloc(MiB, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  for (let i = 0; i < 1024; i++) hash.update(block);
  assert.equal(result.stdoutSha256, hash.digest('hex'));
  assert.ok(result.peakKiB < driverLimitKiB, `driver had ${result.peakKiB} KiB`);
});

test('a runner that goes away in the middle of the output is a system failure, never exit code 1', async () => {
  const { executable, args } = ownPrograms.run;
  const env = { ...(await job.surroundings()) };
  const driver = spawn(executable, [...args, '-', 'build_script'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  driver.stdin.end('while :; do echo more; done');
  await once(driver.stdout, 'data');
  driver.stdout.destroy();
  driver.stderr.destroy();
  const [code] = await once(driver, 'exit');
  assert.equal(code, 2);
  assert.equal((await job.sh('echo still usable')).stdout.toString(), 'still usable\n');
});

test('output to a full disk is a system failure', async () => {
  const { executable, args } = ownPrograms.run;
  const full = openSync('/dev/full', 'w');
  try {
    const env = await job.surroundings();
    const driver = spawn(executable, [...args, '-', 'build_script'], { env, stdio: ['pipe', full, 'pipe'] });
    assert.ok(driver.stdin && driver.stderr);
    driver.stdin.end('echo anything');
    const said = text(driver.stderr);
    const [code] = await once(driver, 'exit');
    assert.equal(code, 2);
    assert.match(await said, /output-closed/);
  } finally {
    closeSync(full);
  }
});
