import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { processIdentity } from '../../src/host/process-identity.ts';
import type { JobObject } from '../../src/orphans/claim.ts';
import { removeJob } from '../../src/orphans/remove-job.ts';
import { sweepOrphans } from '../../src/orphans/sweep.ts';
import { startSandbox } from '../../src/podman/containers.ts';
import { findImage } from '../../src/podman/images.ts';
import { createJob } from '../../src/podman/job-creation.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { verifyReceipts } from '../../src/receipts/verify.ts';
import { unlimited } from '../../src/sandbox/limits-label.ts';
import { cacheLabels, cacheName, labelKeys, objectName } from '../../src/sandbox/names.ts';
import { loadSeccompProfile } from '../../src/sandbox/seccomp-profile.ts';
import { specifyJob } from '../../src/sandbox/specify.ts';
import { configuration, configurationWith, images, killService, layout, nextJobId, podman, TestJob } from './host.ts';
import { startPodmanProxy } from './podman-proxy.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
let state: string;
let bent: Awaited<ReturnType<typeof configurationWith>>;
/** A live job of a runner that runs (this process), which no gc may touch. */
let bystander: TestJob;

before(async () => {
  // Receipts of our own; and whatever an earlier test run left goes first.
  state = await mkdtemp(join(tmpdir(), 'bulkhead-gc-state-'));
  bent = await configurationWith({ stateFolder: state });
  await gc();
  bystander = await TestJob.prepared();
});
after(async () => {
  assert.equal((await bystander.sh('echo untouched')).stdout.toString(), 'untouched\n');
  const { containers, volumes, networks } = await bystander.objects();
  assert.deepEqual([containers.length, volumes.length, networks.length], [3, 2, 2]);
  await bystander[Symbol.asyncDispose]();
  await bent[Symbol.asyncDispose]();
  await rm(state, { recursive: true });
});

interface GcResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function gcWith(config: string, ...args: string[]): Promise<GcResult> {
  const env = { PATH: process.env['PATH'] };
  const call = promisify(execFile)(process.execPath, [main, '--config', config, 'gc', ...args], { env });
  return await call.then(
    ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ exitCode: code, stdout, stderr }),
  );
}

function gc(...args: string[]): Promise<GcResult> {
  return gcWith(bent.path, ...args);
}

/** What `--json` says of one job. */
async function jsonOf(key: string, ...args: string[]) {
  const { exitCode, stdout, stderr } = await gc('--json', ...args);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout).jobs.find((job: { key: string }) => job.key === key);
}

/** What gc says of one job. */
function linesOf(job: TestJob, { stdout }: GcResult): string[] {
  return stdout.split('\n').filter((line) => line.includes(job.key));
}

/** The identity of a process that was killed with SIGKILL. */
async function deadRunner(): Promise<string> {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const identity = await processIdentity(child.pid ?? 0);
  child.kill('SIGKILL');
  await once(child, 'close');
  return identity;
}

/** Objects as prepare makes them, sandboxes that run among them, with labels that name another runner or deadline. */
async function makeObjects(runnerProcess: string, { deadline = 4e9, start = true } = {}): Promise<TestJob> {
  const job = new TestJob({ id: nextJobId() });
  const policy = await loadPolicy(configuration.policies, 'baseline');
  const profile = await loadSeccompProfile(configuration.seccompProfiles, 'baseline');
  const [helper, build] = await Promise.all(
    [configuration.helperImage, images.busybox].map((name) => findImage(podman, name)),
  );
  assert.ok(helper && build);
  const host = { seccompProfile: profile.path, gitlabRunner: undefined, slice: undefined };
  const owner = { policy: 'baseline', policyHash: 'abc', limits: unlimited, ulimits: 'none', deadline, runnerProcess };
  const spec = { ...specifyJob(job.described, policy.settings, host, owner), cache: undefined };
  const withoutCache = {
    ...spec,
    ...Object.fromEntries(
      (['helper', 'build', 'courier'] as const).map((role) => [
        role,
        { ...spec[role], mounts: spec[role].mounts.filter(({ target }) => target !== '/cache') },
      ]),
    ),
  };
  const never = new AbortController().signal;
  await createJob(podman, withoutCache, { helper: helper.id, build: build.id }, configuration, never);
  if (start) {
    await startSandbox(podman, spec.helper);
    await startSandbox(podman, spec.build);
  }
  return job;
}

const counts = { container: 3, volume: 2, network: 2 };
const nowSeconds = () => Math.floor(Date.now() / 1000);

async function receipts(): Promise<{ kind: string; job: { key: string }; [field: string]: unknown }[]> {
  const text = await readFile(join(state, 'receipts.jsonl'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

test('a job whose runner was killed goes, sandboxes that run and all, and the chain says so', async () => {
  const runner = await deadRunner();
  const job = await makeObjects(runner);
  const dry = await gc('--dry-run');
  const what = `job ${job.described.id} of ${job.described.instance} (${job.key}): its runner process ${runner.split(':')[0]} is gone: `;
  assert.equal(dry.exitCode, 0, dry.stderr);
  assert.deepEqual(linesOf(job, dry), [`${what}would remove 3 containers, 2 volumes, 2 networks`]);
  assert.match(dry.stderr, /^1 job would be removed, [1-9]\d* running/m);
  assert.equal((await job.objects()).containers.length, 3, 'a dry run removes nothing');
  assert.deepEqual(await receipts(), []);

  const result = await gc();
  assert.equal(result.exitCode, 0, result.stderr);
  assert.deepEqual(linesOf(job, result), [`${what}removed 3 containers, 2 volumes, 2 networks`]);
  assert.match(result.stderr, /^1 job removed, [1-9]\d* running/m);
  await job.assertNothingLeft();
  const [receipt, ...more] = await receipts();
  assert.deepEqual(more, []);
  assert.deepEqual(receipt?.job, { key: job.key, id: job.described.id, instance: job.described.instance });
  assert.deepEqual(
    [receipt?.kind, receipt?.['removed'], receipt?.['runnerProcess'], receipt?.['policy']],
    ['finished', 7, runner, { name: 'baseline', hash: 'abc' }],
  );
  assert.deepEqual(receipt?.['outcome'], {
    code: 'job-orphaned',
    message: `its runner process ${runner.split(':')[0]} is gone`,
  });
  assert.deepEqual((await verifyReceipts(state)).problems, []);
  assert.equal((await gc()).stdout, '', 'and again there is nothing to do');
  job.player.dispose();
});

test('a job past its deadline goes, though its runner lives; not before', async () => {
  const deadline = nowSeconds() + 12;
  const job = await makeObjects(await processIdentity(process.pid), { deadline });
  const early = await jsonOf(job.key);
  assert.deepEqual([early.orphan, early.reason, early.action], [false, 'runner-running', 'kept']);
  assert.equal((await job.objects()).containers.length, 3);
  await sleep(Math.max(0, deadline * 1000 + 1100 - Date.now()));
  const late = await jsonOf(job.key);
  assert.deepEqual([late.reason, late.action, late.removed], ['deadline-passed', 'removed', counts]);
  await job.assertNothingLeft();
  job.player.dispose();
});

test('a job of which nobody can tell from here stays', async () => {
  const [pidAndStart, place = ''] = (await deadRunner()).split('@');
  const elsewhere = `${pidAndStart}@${place.replace(/\/\d+\//, '/1/')}`;
  const otherBoot = `${pidAndStart}@00000000-0000-0000-0000-000000000000/4026531836/4026531834`;
  for (const runner of [elsewhere, otherBoot, '123:456', 'unknown']) {
    const job = await makeObjects(runner, { start: false });
    const seen = await jsonOf(job.key);
    assert.deepEqual([seen.reason, seen.action], ['runner-unknown', 'kept'], runner);
    await job[Symbol.asyncDispose]();
  }
});

test('--older-than spares what is younger', async () => {
  const job = await makeObjects(await deadRunner(), { start: false });
  assert.equal((await jsonOf(job.key, '--older-than', '1h')).reason, 'too-young');
  await sleep(2100);
  assert.equal((await jsonOf(job.key, '--older-than', '1s')).action, 'removed');
  job.player.dispose();
});

test('a job that turns out to live, on a second look, is left as it is', async () => {
  await using job = await makeObjects(await deadRunner(), { start: false });
  const asked: number[] = [];
  const isOrphan = (objects: readonly JobObject[]) => {
    asked.push(objects.length);
    return false;
  };
  const removal = await removeJob(podman, job.key, { isOrphan, rounds: 3, stop: new AbortController().signal });
  assert.deepEqual(removal, { removed: { container: 0, volume: 0, network: 0 }, inUse: [], left: [], alive: true });
  assert.deepEqual(asked, [7]);
  assert.equal((await job.objects()).containers.length, 3);
});

test('two gcs at once, beside a cleanup of the same job', async () => {
  const job = await makeObjects(await deadRunner());
  const [first, second, cleanup] = await Promise.all([gc('--json'), gc('--json'), job.player.stage('cleanup')]);
  assert.deepEqual([first.exitCode, second.exitCode, cleanup.exitCode], [0, 0, 0], first.stderr + second.stderr);
  await job.assertNothingLeft();
  // Each object is counted by one of them.
  const removed = (await receipts())
    .filter((receipt) => receipt.job.key === job.key)
    .reduce((total, receipt) => total + Number(receipt['removed']), 0);
  assert.ok(removed <= 7, `${removed}`);
  job.player.dispose();
});

test('gc again and again beside jobs that are being prepared, run and prepared again', async () => {
  let over = false;
  const results: GcResult[] = [];
  const collecting = (async () => {
    while (!over) results.push(await gc());
  })();
  try {
    for (let n = 0; n < 3; n++) {
      await using job = await TestJob.prepared();
      assert.equal((await job.sh('echo works')).stdout.toString(), 'works\n');
      const driver = await job.player.start('prepare');
      await sleep(300 + 200 * n);
      driver.signalGroup('SIGKILL');
      await driver.result;
      const again = await job.player.stage('prepare');
      assert.equal(again.exitCode, 0, `${again.stdout}${again.stderr}`);
      assert.equal((await job.sh('echo still')).stdout.toString(), 'still\n');
    }
  } finally {
    over = true;
    await collecting;
  }
  assert.ok(results.length >= 3, `${results.length} gcs`);
  for (const { exitCode, stdout, stderr } of results) assert.deepEqual([exitCode, stdout], [0, ''], stderr);
});

test('Podman restarted in the middle of a gc: it goes on when Podman is back', async () => {
  const job = await makeObjects(await deadRunner(), { start: false });
  let back: number | undefined;
  await using proxy = await startPodmanProxy(layout.socket, {
    before: (_, call) => {
      if (back !== undefined) return performance.now() > back;
      if (!call.startsWith('DELETE /volumes/')) return true;
      back = performance.now() + 2000;
      killService();
      return false;
    },
  });
  await using configured = await configurationWith({ socket: proxy.socket, stateFolder: state });
  const { exitCode, stderr } = await gcWith(configured.path);
  assert.ok(back !== undefined);
  assert.equal(exitCode, 0, stderr);
  await job.assertNothingLeft();
  job.player.dispose();
});

test('what Podman does not remove is left, said, and exit code 1', async () => {
  const job = await makeObjects(await deadRunner(), { start: false });
  await using proxy = await startPodmanProxy(layout.socket, {
    before: (_, call) => !call.startsWith('DELETE /networks/'),
  });
  await using configured = await configurationWith({ socket: proxy.socket, stateFolder: state });
  const { exitCode, stdout, stderr } = await gcWith(configured.path);
  assert.equal(exitCode, 1);
  assert.match(stdout, /NOT WHOLLY REMOVED: 3 containers, 2 volumes of 3 containers, 2 volumes, 2 networks\n/);
  assert.match(stderr, /bulkhead-\d+-[0-9a-f]+-network-\w+: .*\(cleanup-incomplete\)\n {2}Fix: /);
  assert.equal((await gc()).exitCode, 0);
  await job.assertNothingLeft();
  job.player.dispose();
});

/** A container that somebody else of the same Podman user started, from an image that brings labels of ours. */
async function fakeContainer(name: string, labels: Record<string, string>): Promise<AsyncDisposable> {
  const image = await findImage(podman, images.busybox);
  const container = await podman.createContainer({ Image: image?.id ?? '', name, Labels: labels, Cmd: ['true'] });
  return {
    async [Symbol.asyncDispose]() {
      await container.remove({ force: true });
    },
  };
}

test("labels that an image brings do not make gc remove somebody else's container", async () => {
  const job = await makeObjects(await deadRunner(), { start: false });
  const [courier] = await podman.listContainers({ all: true, filters: { label: [`${labelKeys.job}=${job.key}`] } });
  const labels = courier?.Labels ?? {};
  const odd = { ...labels, [labelKeys.job]: '\u001b[31m', [labelKeys.deadline]: '-1' };
  await using _same = await fakeContainer(`somebody-elses-${job.key}`, labels);
  await using _odd = await fakeContainer(`somebody-elses-odd-${job.key}`, odd);
  const { exitCode, stdout, stderr } = await gc();
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /removed 3 containers, 2 volumes, 2 networks\n$/);
  assert.match(stderr, new RegExp(`left alone: container somebody-elses-${job.key}: its name does not fit its labels`));
  assert.match(
    stderr,
    new RegExp(`left alone: container somebody-elses-odd-${job.key}: its labels name no job of ours`),
  );
  const left = await podman.listContainers({ all: true, filters: { name: ['somebody-elses-'] } });
  assert.equal(left.length, 2);
  job.player.dispose();
});

test('a volume that something else uses stays, and is said', async () => {
  const job = await makeObjects(await deadRunner(), { start: false });
  const volume = job.name('builds');
  const image = await findImage(podman, images.busybox);
  const user = await podman.createContainer({
    Image: image?.id ?? '',
    name: `looks-into-${job.key}`,
    HostConfig: { Binds: [`${volume}:/look`] },
  });
  const { exitCode, stdout } = await gc();
  assert.equal(exitCode, 0);
  assert.match(
    stdout,
    new RegExp(`removed 3 containers, 1 volume, 2 networks; kept, since something else uses it: ${volume}\n`),
  );
  assert.deepEqual((await job.objects()).volumes, [volume]);
  await user.remove({ force: true });
  assert.match((await gc()).stdout, /removed 1 volume\n/);
  await job.assertNothingLeft();
  job.player.dispose();
});

test('caches go by their last use, and only when that is asked for', async () => {
  const job = await TestJob.prepared({ project: { id: 424_242 } });
  const name = cacheName(job.described, 'unprotected');
  const exists = () =>
    podman
      .getVolume(name)
      .inspect()
      .then(
        () => true,
        () => false,
      );
  const old = objectName(job.described, 'builds').replace('bulkhead', 'not-ours');
  await podman.createVolume({ Name: old, Labels: cacheLabels(job.described, 'all') });
  const actual = (await exists()) ? name : cacheName(job.described, 'protected');
  const ask = async (age: string) => {
    const { exitCode, stdout, stderr } = await gc('--json', '--caches-older-than', age);
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout).caches.find((cache: { name: string }) => cache.name === actual);
  };
  // A job can set the times of its files, but not this one.
  assert.equal((await job.sh('touch -d 2001-01-01 /cache')).exitCode, 0);
  assert.match((await ask('1h')).why, /^last used 2/);
  await sleep(1500);
  assert.deepEqual([(await ask('1s')).action, (await ask('1s')).why], ['kept', 'a container uses it']);
  assert.equal((await job.player.stage('cleanup')).exitCode, 0);
  assert.equal((await ask('1h')).action, 'kept');
  assert.equal(JSON.parse((await gc('--json')).stdout).caches, null, 'caches were not asked for');
  assert.equal((await ask('1s')).action, 'removed');
  assert.equal(
    await podman
      .getVolume(old)
      .inspect()
      .then(() => true),
    true,
    "somebody else's volume stays",
  );
  await podman.getVolume(old).remove();
  job.player.dispose();
});

test('prepare’s sweep removes an orphan once, and looks once in its span of time', async () => {
  const sweepState = await mkdtemp(join(tmpdir(), 'bulkhead-sweep-state-'));
  const jobs = [await makeObjects(await deadRunner()), await makeObjects(await deadRunner())];
  const host = { socket: layout.socket, stateFolder: sweepState };
  const never = new AbortController().signal;
  const sweeps = await Promise.all(
    [1, 2, 3].map(() => sweepOrphans(podman, host, never, { everySeconds: 10_000_000, most: 1, budgetMs: 30_000 })),
  );
  assert.deepEqual(
    sweeps.filter(({ looked }) => looked),
    [{ looked: true, removed: 1 }],
  );
  const left = await Promise.all(jobs.map((job) => job.objects()));
  assert.deepEqual(left.map(({ containers }) => containers.length).sort(), [0, 3]);
  assert.match(await readFile(join(sweepState, 'receipts.jsonl'), 'utf8'), /"job-orphaned"/);
  await gc();
  for (const job of jobs) await job.assertNothingLeft();
  for (const job of jobs) job.player.dispose();
  await rm(sweepState, { recursive: true });
});

test('what is known of who may have an image goes when the image has long been gone', async () => {
  const folder = join(state, 'images');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const record = join(folder, `${'0'.repeat(64)}.json`);
  await writeFile(record, '{}', { mode: 0o600 });
  await gc();
  assert.ok(existsSync(record), 'an image may just be on its way');
  const longAgo = Date.now() / 1000 - 8 * 86_400;
  await utimes(record, longAgo, longAgo);
  await gc('--dry-run');
  assert.ok(existsSync(record));
  await gc();
  assert.equal(existsSync(record), false);
});
