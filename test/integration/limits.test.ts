import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { observeDiskLimit } from '../../src/guarantees/limits-disk.ts';
import { type SandboxDemand, seeFromHost } from '../../src/guarantees/sandbox-facts.ts';
import { podman, policyWith, TestJob } from './host.ts';

const MiB = 1024 * 1024;
const driverLimitKiB = 150 * 1024;
const cutLine = '\nbulkhead: output cut here, after 1MiB (limits.log of policy "test")\n';
/** Every process of the sandbox but PID 1, as names. */
const listProcesses =
  'for d in /proc/[0-9]*; do [ "$d" = /proc/1 ] || { read -r _ n _ <$d/stat && echo "$n"; } 2>/dev/null; done';
const write = (path: string, mebibytes: number) => `dd if=/dev/zero of=${path} bs=1M count=${mebibytes} 2>/dev/null`;

async function assertUsable(job: TestJob, ended: string): Promise<void> {
  const after = await job.sh(`${listProcesses}; echo usable`, 'after_script');
  assert.match(after.stdout.toString(), /usable\n$/, after.stderr.toString());
  assert.ok(!after.stdout.includes(`(${ended})`), `${ended} was ended`);
}

suite('limits.log', () => {
  test('a flood arrives whole without it', async () => {
    await using policy = await policyWith({ limits: { log: 'unlimited' } });
    await using job = await TestJob.prepared({}, policy);
    const flood = await job.player.startRun('build_script', `head -c ${64 * MiB} /dev/zero`, { keepOutput: false });
    const { exitCode, stdoutBytes, peakKiB } = await flood.result;
    assert.deepEqual([exitCode, stdoutBytes], [0, 64 * MiB]);
    assert.ok(peakKiB < driverLimitKiB, `driver had ${peakKiB} KiB`);
  });

  test('an endless flood is cut at it, fails the job for good, and leaves the sandbox usable', async () => {
    await using policy = await policyWith({ limits: { log: '1MiB' } });
    await using job = await TestJob.prepared({}, policy);
    const result = await job.sh('yes 0123456789abcde; echo never');
    assert.equal(result.exitCode, 1, result.stdout.toString());
    assert.equal(result.stdout.toString().slice(0, 32), '0123456789abcde\n0123456789abcde\n');
    const text = result.stdout.toString();
    assert.equal(text.indexOf(cutLine), MiB);
    assert.match(
      text.slice(MiB + cutLine.length),
      /^bulkhead: ERROR: the stage wrote more than 1MiB of output, which is limits\.log/,
    );
    assert.match(result.stdout.toString(), /\(limit-log-exceeded: the job cannot run like this/);
    assert.ok(result.durationMs < 10_000, `${result.durationMs} ms`);
    assert.ok(result.peakKiB < driverLimitKiB, `driver had ${result.peakKiB} KiB`);
    await assertUsable(job, 'yes');
  });

  test('a flood on both streams that ignores TERM is killed after the grace', async () => {
    await using policy = await policyWith({ limits: { log: '1MiB' } }, { terminationGraceSeconds: 2 });
    await using job = await TestJob.prepared({}, policy);
    const script = 'trap "" TERM; yes out & yes err >&2 & while :; do echo x; echo y >&2; done';
    const result = await job.sh(script);
    assert.equal(result.exitCode, 1);
    assert.match(result.stdout.toString(), /\(limit-log-exceeded: /);
    assert.equal(result.stdout.indexOf('bulkhead: ERROR'), MiB + cutLine.length);
    assert.ok(result.durationMs < 15_000, `${result.durationMs} ms`);
    assert.ok(result.peakKiB < driverLimitKiB, `driver had ${result.peakKiB} KiB`);
    await assertUsable(job, 'yes');
  });

  test('counts bytes of one stage: just as many are fine, each time', async () => {
    await using policy = await policyWith({ limits: { log: '1MiB' } });
    await using job = await TestJob.prepared({}, policy);
    for (const stage of ['build_script', 'after_script']) {
      const result = await job.sh(`head -c ${MiB} /dev/zero`, stage);
      assert.deepEqual([result.exitCode, result.stdoutBytes], [0, MiB], result.stdout.toString());
    }
    assert.equal((await job.sh(`head -c ${MiB} /dev/zero; printf x`)).exitCode, 1);
  });
});

suite('limits.disk, watched', () => {
  test('what fills the disk goes on without it', async () => {
    await using policy = await policyWith({ limits: { disk: 'unlimited' } });
    await using job = await TestJob.prepared({}, policy);
    const result = await job.sh(`${write('/builds/big', 200)}; ${write('/big', 100)}; sleep 4; echo done`);
    assert.deepEqual([result.exitCode, result.stdout.toString()], [0, 'done\n'], result.stdout.toString());
  });

  for (const [what, script] of [
    ['files in the builds volume', write('/builds/big', 200)],
    ['many files', `for i in 1 2 3 4 5 6 7 8; do ${write('/builds/$i', 25)}; done`],
    ['the root filesystem', write('/big', 200)],
    ['a file of the host that Podman mounts over the image', write('/etc/hosts', 200)],
    [
      'a deleted file that is still open',
      'exec 3>/builds/big; rm /builds/big; dd if=/dev/zero bs=1M count=200 >&3 2>/dev/null',
    ],
  ] as const) {
    test(`ends a job that holds too much: ${what}`, async () => {
      await using policy = await policyWith({ limits: { disk: '150MiB' } });
      await using job = await TestJob.prepared({}, policy);
      const result = await job.sh(`${script}; sleep 60; echo never`);
      assert.equal(result.exitCode, 1, result.stdout.toString());
      assert.match(
        result.stdout.toString(),
        /bulkhead: ERROR: the job holds 200(\.\d)?MiB on disk, and limits\.disk of policy "test" is 150MiB\n/,
      );
      assert.match(result.stdout.toString(), /\(limit-disk-exceeded: the job cannot run like this/);
      assert.ok(result.durationMs < 20_000, `${result.durationMs} ms`);
      assert.ok(!result.stdout.includes('never'));
    });
  }

  test('a burst that ends with the stage is seen at its end', async () => {
    await using policy = await policyWith({ limits: { disk: '150MiB' } });
    await using job = await TestJob.prepared({}, policy);
    const result = await job.sh(`sleep 1.2; ${write('/builds/big', 200)}`);
    assert.equal(result.exitCode, 1, result.stdout.toString());
    assert.match(result.stdout.toString(), /\(limit-disk-exceeded: /);
  });

  test('holes, hard links and what was deleted again count nothing', async () => {
    await using policy = await policyWith({ limits: { disk: '150MiB' } });
    await using job = await TestJob.prepared({}, policy);
    const result = await job.sh(
      `dd if=/dev/zero of=/builds/hole bs=1 count=1 seek=4G 2>/dev/null; ${write('/builds/a', 60)}
       ln /builds/a /builds/b; ln /builds/a /builds/c; for i in 1 2 3; do ${write('/big', 60)}; rm /big; done; sleep 13`,
    );
    assert.equal(result.exitCode, 0, result.stdout.toString());
  });
});

suite('limits.disk, as a hard bound', () => {
  const observed = async (job: TestJob, limit: number) => {
    const roles = ['build', 'helper'] as const;
    const facts = roles.map((role) => seeFromHost(podman, { spec: { name: job.name(role) } } as SandboxDemand));
    return observeDiskLimit(await Promise.all(facts), limit);
  };

  test('a builds volume in memory and read-only roots: the kernel refuses the first byte too many', async () => {
    await using policy = await policyWith({
      limits: { disk: '64MiB' },
      builds: 'memory',
      rootFilesystem: 'read-only',
      cache: 'none',
    });
    await using job = await TestJob.prepared({}, policy);
    assert.deepEqual(await observed(job, 64 * MiB), {
      state: 'proven',
      evidence: 'root filesystems read-only, builds volume a tmpfs of 64MiB',
    });
    const helper = await job.sh('echo from the helper >/builds/note; df /builds', 'get_sources');
    assert.match(helper.stdout.toString(), / 65536 /, 'the sandbox sees the size');
    const result = await job.sh('cat /builds/note; dd if=/dev/zero of=/builds/big bs=1M count=200; echo x >/big');
    assert.match(result.stdout.toString(), /^from the helper\n/);
    assert.match(result.stdout.toString(), /No space left on device/);
    assert.match(result.stdout.toString(), /Read-only file system/);
    assert.equal((await job.sh('rm /builds/big; echo room >/builds/small')).exitCode, 0);
    assert.equal((await observed(job, 32 * MiB)).state, 'violated');
  });

  test('anything else is not proven, and says what would be', async () => {
    await using policy = await policyWith({ limits: { disk: '64MiB' } });
    await using job = await TestJob.prepared({}, policy);
    const observation = await observed(job, 64 * MiB);
    assert.equal(observation.state, 'unavailable');
    assert.match(JSON.stringify(observation), /\/builds.*looks every 1 s, and a burst can pass it.*builds .*memory/);
  });
});
