import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { StageProcess } from '../../src/player/stage-process.ts';
import { labelKeys } from '../../src/sandbox/names.ts';
import { configurationWith, killService, layout, podman, processesWith, TestJob } from './host.ts';
import { startPodmanProxy } from './podman-proxy.ts';

/** Another job, whose objects no cleanup may touch. */
let bystander: TestJob;
before(async () => {
  bystander = await TestJob.prepared();
});
after(async () => {
  assert.equal((await bystander.sh('echo untouched')).stdout.toString(), 'untouched\n');
  const { containers, volumes, networks } = await bystander.objects();
  assert.deepEqual([containers.length, volumes.length, networks.length], [3, 2, 2]);
  await bystander[Symbol.asyncDispose]();
});

test('cleanup twice, and for a job that never was', async () => {
  const job = await TestJob.prepared();
  assert.equal((await job.player.stage('cleanup')).exitCode, 0);
  await job.assertNothingLeft();
  await job[Symbol.asyncDispose]();
  await using never = new TestJob();
  await never.player.stage('config');
});

test('every object carries every label, whatever the image says', async () => {
  await using job = await TestJob.prepared();
  const { containers, volumes, networks } = await job.objects();
  const labels = [
    ...(await Promise.all(containers.map(async (id) => (await podman.getContainer(id).inspect()).Config.Labels))),
    ...(await Promise.all(volumes.map(async (name) => (await podman.getVolume(name).inspect()).Labels))),
    ...(await Promise.all(networks.map(async (name) => (await podman.getNetwork(name).inspect()).Labels ?? {}))),
  ];
  assert.equal(labels.length, 7);
  const { cacheProject, cacheTier, ...ofJobs } = labelKeys;
  for (const set of labels) {
    for (const key of Object.values(ofJobs)) assert.ok(set[key], `${key} in ${JSON.stringify(set)}`);
    for (const key of [cacheProject, cacheTier]) assert.equal(set[key], undefined, `${key} is for what outlives jobs`);
  }
  const roles = labels.map((set) => set[labelKeys.role]).sort();
  assert.deepEqual(roles, ['build', 'builds', 'courier', 'helper', 'network-build', 'network-helper', 'scripts']);
});

test('no process of the job is left', async () => {
  const job = await TestJob.prepared();
  const ids = (await job.objects()).containers;
  await job.sh('echo one');
  assert.ok(
    ids.some((id) => processesWith(id).length > 0),
    'the sandboxes have processes',
  );
  await job[Symbol.asyncDispose]();
  const sandboxes = ids
    .flatMap((id) => processesWith(`${id}\0`))
    .filter((pid) => processesWith('runsc-').includes(pid));
  assert.deepEqual(sandboxes, []);
});

test('three cleanups at once', async () => {
  const job = await TestJob.prepared();
  const results = await Promise.all([1, 2, 3].map(() => job.player.stage('cleanup')));
  assert.deepEqual(
    results.map(({ exitCode, stderr }) => [exitCode, stderr.toString()]),
    [
      [0, ''],
      [0, ''],
      [0, ''],
    ],
  );
  await job[Symbol.asyncDispose]();
});

test('cleanup with one object already gone', async () => {
  for (const remove of [
    (job: TestJob) => podman.getContainer(job.name('helper')).remove({ force: true }),
    (job: TestJob) => podman.getContainer(job.name('courier')).remove({ force: true }),
    async (job: TestJob) => {
      await podman.getContainer(job.name('build')).remove({ force: true });
      await podman.getContainer(job.name('helper')).remove({ force: true });
      await podman.getNetwork(job.name('network-build')).remove();
    },
  ]) {
    const job = await TestJob.prepared();
    await remove(job);
    await job[Symbol.asyncDispose]();
  }
});

/** Runs prepare through a proxy, and kills it with SIGKILL at its call number `index`. */
async function prepareKilledAt(
  index: number,
  moment: 'before' | 'answered',
): Promise<{ job: TestJob; reached: boolean }> {
  let driver: StageProcess | undefined;
  let reached = false;
  const kill = (): void => {
    reached = true;
    driver?.signal('SIGKILL');
  };
  await using proxy = await startPodmanProxy(layout.socket, {
    // "before" passes the call on all the same: Podman carries it out for a driver that is no more.
    before: (number) => {
      if (moment === 'before' && number === index) kill();
      return true;
    },
    answered: (number) => {
      if (moment === 'answered' && number === index) kill();
    },
  });
  await using configuration = await configurationWith({ socket: proxy.socket });
  const job = new TestJob({}, { env: { BULKHEAD_CONFIG: configuration.path } });
  await job.player.stage('config');
  driver = await job.player.start('prepare');
  const result = await driver.result;
  assert.equal(result.signal, reached ? 'SIGKILL' : null, `${result.stderr}`);
  return { job, reached };
}

for (const moment of ['before', 'answered'] as const) {
  test(`prepare killed with SIGKILL at each of its Podman calls (${moment}): cleanup leaves nothing`, async (t) => {
    let index = 0;
    for (; ; index++) {
      const { job, reached } = await prepareKilledAt(index, moment);
      const cleaner = job.again();
      const cleanup = await cleaner.player.stage('cleanup');
      assert.deepEqual([cleanup.exitCode, cleanup.stderr.toString()], [0, ''], `call ${index}`);
      await job.assertNothingLeft();
      cleaner.player.dispose();
      job.player.dispose();
      if (!reached) break;
    }
    t.diagnostic(`${index} calls`);
    assert.ok(index >= 15, `only ${index} calls were seen`);
  });
}

test('prepare again after a killed prepare succeeds, without a cleanup between', async () => {
  for (const index of [6, 9, 12, 15]) {
    const { job, reached } = await prepareKilledAt(index, 'answered');
    assert.ok(reached);
    const again = job.again();
    await again.player.stage('config');
    const prepare = await again.player.stage('prepare');
    assert.equal(prepare.exitCode, 0, `call ${index}: ${prepare.stderr}`);
    assert.equal((await again.sh('echo works')).stdout.toString(), 'works\n');
    await again[Symbol.asyncDispose]();
    job.player.dispose();
  }
});

test('Podman restarted in the middle of a cleanup: it goes on when Podman is back', async () => {
  const job = await TestJob.prepared();
  let restarted = false;
  await using proxy = await startPodmanProxy(layout.socket, {
    before: (_, call) => {
      if (restarted || !call.startsWith('DELETE /containers/')) return true;
      restarted = true;
      killService();
      return false;
    },
  });
  await using configuration = await configurationWith({ socket: proxy.socket });
  const cleaner = job.again({ BULKHEAD_CONFIG: configuration.path });
  const cleanup = await cleaner.player.stage('cleanup');
  assert.ok(restarted);
  assert.deepEqual([cleanup.exitCode, cleanup.stderr.toString()], [0, '']);
  await job.assertNothingLeft();
  cleaner.player.dispose();
  await job[Symbol.asyncDispose]();
});

test('prepare again after a prepare that succeeded starts from nothing', async () => {
  await using job = await TestJob.prepared();
  await job.sh('echo old > /builds/file', 'get_sources');
  const again = await job.player.stage('prepare');
  assert.equal(again.exitCode, 0, again.stderr.toString());
  assert.equal((await job.sh('cat /builds/file')).exitCode, 1);
});
