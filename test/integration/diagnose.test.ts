import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { configurationWith, images, layout, podman, TestJob } from './host.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

/** Runs a command for people, under set-up's configuration or another. */
async function bulkhead(args: readonly string[], { input = '', config = layout.config } = {}) {
  const env = { PATH: process.env['PATH'], BULKHEAD_CONFIG: config };
  const child = spawn(process.execPath, [main, ...args], { env, stdio: 'pipe' });
  child.stdin.end(input);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    buffer(child.stderr),
    new Promise<[number | null]>((resolve) => child.on('close', (code) => resolve([code]))),
  ]);
  return { exitCode, stdout, stderr: stderr.toString() };
}

suite('a job whose sandboxes run', () => {
  let job: TestJob;
  before(async () => {
    job = await TestJob.prepared();
  });
  after(async () => await job[Symbol.asyncDispose]());

  test('is listed by ps, with what Podman says of each container', async () => {
    const { exitCode, stdout, stderr } = await bulkhead(['ps']);
    assert.equal(exitCode, 0, stderr);
    const lines = stdout.split('\n');
    const at = lines.findIndex((line) => line.includes(job.key));
    const { id, instance } = job.described;
    assert.match(
      lines[at] ?? '',
      new RegExp(`^job ${id} of ${instance} \\(${job.key}\\), policy "baseline", for \\d+s, until `),
    );
    assert.match(lines[at + 1] ?? '', new RegExp(`^ {2}its runner process ${process.pid} runs$`));
    assert.match(lines[at + 2] ?? '', /^ {2}build {4}running {2}runsc {2}localhost\/bulkhead\/busybox:1$/);
    assert.match(lines[at + 3] ?? '', /^ {2}courier {2}created {2}runsc {2}localhost\/bulkhead\/helper:/);
    assert.match(lines[at + 4] ?? '', /^ {2}helper {3}running {2}runsc {2}localhost\/bulkhead\/helper:/);
    assert.match(stderr, /^\d+ jobs?/m);
  });

  test('is listed by ps --json', async () => {
    const { exitCode, stdout } = await bulkhead(['ps', '--json']);
    assert.equal(exitCode, 0);
    const listed = JSON.parse(stdout).jobs.find(({ key }: { key: string }) => key === job.key);
    assert.deepEqual([listed.id, listed.orphan, listed.reason], [job.described.id, false, 'runner-running']);
    assert.deepEqual(listed.objects, { container: 3, volume: 2, network: 2 });
    assert.deepEqual(
      listed.sandboxes.map(({ role, state, runtime }: Record<string, string>) => [role, state, runtime]),
      [
        ['build', 'running', 'runsc'],
        ['courier', 'created', 'runsc'],
        ['helper', 'running', 'runsc'],
      ],
    );
  });

  test('has nothing to diagnose', async () => {
    const { exitCode, stdout } = await bulkhead(['diagnose', String(job.described.id)]);
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /: is on this host\nFault: nobody's\n/);
  });

  test('and of which one ended is diagnosed with that', async () => {
    await podman.getContainer(job.name('build')).kill();
    await podman.getContainer(job.name('build')).wait();
    const { exitCode, stdout } = await bulkhead(['diagnose', String(job.described.id)]);
    assert.equal(exitCode, 1, stdout);
    assert.match(stdout, /\(sandbox-ended, sure\)\n {3}Seen: {2}the build sandbox is (exited|stopped), exit code 137/);
  });
});

test('a job that was refused is diagnosed by its id, by its receipt and by its log, alike', async () => {
  const job = new TestJob({ image: 'localhost/bulkhead/no-such:1' });
  const { log } = await job.player.play();
  job.player.dispose();
  const byId = await bulkhead(['diagnose', String(job.described.id)]);
  assert.equal(byId.exitCode, 1, byId.stderr);
  assert.match(
    byId.stdout,
    /: failed, at the stage prepare \(getting the images\)\nFault: the job's author has to act\n\n1\. .* \(image-not-found, sure\)\n/,
  );
  const byLog = await bulkhead(['diagnose', '-'], { input: log });
  assert.equal(byLog.exitCode, 1, byLog.stderr);
  assert.match(
    byLog.stdout,
    /^the job log: failed, at the stage prepare\nFault: the job's author has to act\n\n1\. .* \(image-not-found, likely\)\n/,
  );
});

test("an operator's mistake is told from the job's by the log of the job", async () => {
  await using bent = await configurationWith({ helperImage: 'localhost/bulkhead/no-such:1' });
  const job = new TestJob({}, { env: { BULKHEAD_CONFIG: bent.path } });
  const { log } = await job.player.play();
  job.player.dispose();
  const { exitCode, stdout } = await bulkhead(['diagnose', '-'], { input: log });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^the job log: failed, at the stage prepare\nFault: the operator of this host has to act\n/);
  assert.match(stdout, /\n1\. .* \(helper-image-missing, likely\)\n/);
});

suite('the log of a real job', () => {
  const play = async (script: readonly string[], image: string = images.busybox) => {
    const job = new TestJob({ image, script });
    const { log } = await job.player.play();
    job.player.dispose();
    await job.assertNothingLeft();
    await job.removeCaches();
    const { stdout } = await bulkhead(['diagnose', '--json', '-'], { input: log });
    return JSON.parse(stdout).diagnoses[0];
  };
  const decisive = ({ findings }: { findings: { id: string; certainty: string; decisive: boolean }[] }) =>
    findings.filter((finding) => finding.decisive).map(({ id, certainty }) => [id, certainty]);

  test('that went well has nothing that could have ended it', async () => {
    const diagnosis = await play(['echo hello']);
    assert.deepEqual([diagnosis.state, diagnosis.fault, decisive(diagnosis)], ['succeeded', 'nobody', []]);
  });

  test('that prints an error of ours, and fails, blames the job', async () => {
    const forged = [
      "echo 'bulkhead: ERROR: the Podman service does not answer (ping): connect ENOENT /x'",
      "echo 'bulkhead: Fix: start it'",
      `echo "bulkhead: (podman-unreachable: system failure, not the job's fault; docs/errors.md#podman-unreachable)"`,
      'exit 3',
    ];
    const diagnosis = await play(forged);
    assert.deepEqual([diagnosis.state, diagnosis.fault, decisive(diagnosis)], ['failed', 'job', []]);
    assert.deepEqual(
      diagnosis.disbelieved.map(({ id }: { id: string }) => id),
      ['podman-socket-missing', 'podman-unreachable'],
    );
  });

  test('that ends its sandbox is a system failure, and says so', async () => {
    const diagnosis = await play(['kill -9 1; sleep 5']);
    assert.deepEqual([diagnosis.fault, decisive(diagnosis)], ['system', [['sandbox-died', 'likely']]]);
  });

  for (const [what, script, id, image] of [
    ['pings', 'ping -c 1 192.0.2.1', 'raw-socket-denied', images.busybox],
    ['mounts', 'mount -t tmpfs none /mnt', 'mount-denied', images.busybox],
    ['makes namespaces', 'unshare -m true', 'nested-container', images.busybox],
    ['writes where it cannot', 'echo x > /bulkhead/x', 'read-only', images.busybox],
    ['changes interfaces', 'ip link add dummy0 type dummy', 'network-setup-denied', images.busybox],
    ['calls what is not there', 'no-such-program', 'program-missing', images.busybox],
    ['forks too often', 'ulimit -u 2; sleep 1 & sleep 1 & sleep 1 & wait', 'fork-refused', images.busybox],
    ['fills /dev/shm', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=100', 'disk-full', images.busybox],
    [
      'asks for a name that is none',
      `python3 -c "import socket; socket.getaddrinfo('x.invalid', 80)"`,
      'name-unresolved',
      images.python,
    ],
    [
      'calls what gVisor does not have',
      `python3 -c "import ctypes, os; l = ctypes.CDLL(None, use_errno=True); l.syscall(323, 0); raise SystemExit(os.strerror(ctypes.get_errno()))"`,
      'syscall-missing',
      images.python,
    ],
  ] as const) {
    test(`that ${what} is diagnosed with ${id}`, async () => {
      const diagnosis = await play([script], image);
      assert.equal(diagnosis.fault, 'job');
      assert.ok(
        decisive(diagnosis).some(([found, certainty]) => found === id && certainty === 'likely'),
        JSON.stringify(diagnosis.findings),
      );
    });
  }
});
