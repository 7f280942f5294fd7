import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { podmanUser } from '../../setup/podman-user.ts';
import { observeLimits } from '../../src/guarantees/limits.ts';
import { exceededLimit } from '../../src/host/exceeded-limit.ts';
import { sliceFolder, sliceName } from '../../src/host/slice.ts';
import { type UserManager, userManager } from '../../src/host/user-manager.ts';
import { runtimeFacts } from '../../src/podman/containers.ts';
import { images, layout, podman, policyWith, TestJob } from '../integration/host.ts';

const MiB = 1024 * 1024;
const tight = { memory: '256MiB', cpus: 1, pids: 160 };
const none = { memory: 'unlimited', cpus: 'unlimited', pids: 'unlimited' };

/** Holds that much memory for a moment. */
const takeMemory = (mebibytes: number) => `dd if=/dev/zero of=/dev/null bs=${mebibytes * MiB} count=1 && echo took it`;
/** That many processes at once: more than tight allows, though an emulated processor can start them. */
const fork = 'i=0; while [ $i -lt 75 ]; do sleep 900 & i=$((i + 1)); done; echo forked $i';
const idle = 'i=0; while [ $i -lt 10 ]; do sleep 1; i=$((i + 1)); done; echo undisturbed';

let policies: Awaited<ReturnType<typeof policyWith>>[];
let manager: UserManager;
let [first, second, free]: TestJob[] = [];

before(async () => {
  const found = await userManager(layout.socket);
  assert.ok(found.state === 'available', JSON.stringify(found));
  manager = found;
  policies = [await policyWith({ limits: tight }), await policyWith({ limits: none })];
  const [limited, unlimited] = policies.map(({ env }) => ({ env }));
  [first, second, free] = [
    await TestJob.prepared({}, limited),
    await TestJob.prepared({}, limited),
    await TestJob.prepared({}, unlimited),
  ];
});

const folders: string[] = [];
after(async () => {
  for (const job of [first, second, free]) await job?.[Symbol.asyncDispose]();
  for (const policy of policies) await policy[Symbol.asyncDispose]();
  assert.deepEqual(
    folders.filter((folder) => existsSync(folder)),
    [],
    'slices go with their jobs',
  );
  assert.equal(await manager.run('systemctl', 'list-units', '--all', '--no-legend', 'bulkhead-job*'), '');
});

function the(job: TestJob | undefined): TestJob {
  assert.ok(job);
  return job;
}

async function folderOf(job: TestJob): Promise<string> {
  const folder = await sliceFolder(manager, job.key);
  assert.ok(folder, 'the job has a slice');
  if (!folders.includes(folder)) folders.push(folder);
  return folder;
}

test('the limits of a running job are seen from the host', async () => {
  const job = the(first);
  await folderOf(job);
  const facts = await Promise.all((['helper', 'build'] as const).map((role) => runtimeFacts(podman, job.name(role))));
  const pids = facts.map(({ pid }) => pid);
  const demanded = { memoryBytes: 256 * MiB, cpus: tight.cpus, pids: tight.pids };
  const seen = await observeLimits(pids, sliceName(job.key), demanded);
  assert.deepEqual(seen, {
    'limits.memory': { state: 'proven', evidence: `memory.max ${256 * MiB}, memory.swap.max 0` },
    'limits.pids': { state: 'proven', evidence: 'pids.max 160' },
    'limits.cpu': { state: 'proven', evidence: 'cpu.max 1' },
  });
  const others = await observeLimits(pids, sliceName(the(second).key), demanded);
  assert.deepEqual(
    Object.values(others).map(({ state }) => state),
    ['violated', 'violated', 'violated'],
  );
});

for (const [what, code, limit, hog, pick] of [
  ['memory', 'limit-memory-exceeded', 'memory', takeMemory(320), () => [the(first), the(second)] as const],
  ['processes', 'limit-pids-exceeded', 'pids', fork, () => [the(second), the(free)] as const],
] as const) {
  test(`a job that takes too much ${what} fails, and does not disturb its neighbour`, async (t) => {
    const [job, neighbour] = pick();
    const folder = await folderOf(job);
    const other = await neighbour.player.startRun('build_script', `echo going; ${idle}`);
    await other.outputs('going');
    const result = await job.sh(hog);
    t.diagnostic(`ended after ${Math.round(result.durationMs)} ms; ${eventsOf(folder)}`);
    assert.equal(await exceededLimit(layout.socket, job.key), limit, result.stdout.toString());
    assert.match(result.stdout.toString(), new RegExp(`\\(${code}: `));
    assert.equal(result.exitCode, 1, 'it is the job’s own fault');
    const beside = await other.result;
    assert.equal(beside.exitCode, 0, beside.stdout.toString());
    assert.match(beside.stdout.toString(), /undisturbed\n$/);
  });
}

function eventsOf(folder: string): string {
  return ['memory.events', 'pids.events', 'memory.peak', 'pids.peak']
    .map((name) => `${name} ${readFileSync(join(folder, name), 'utf8').trim().replaceAll('\n', ', ')}`)
    .join('; ');
}

test('the same hogs succeed without the limits', async (t) => {
  const job = the(free);
  const memory = await job.sh(takeMemory(320));
  assert.match(memory.stdout.toString(), /took it\n$/, memory.stdout.toString());
  const processes = await job.sh(fork);
  assert.match(processes.stdout.toString(), /forked 75\n$/, processes.stdout.toString());
  t.diagnostic(eventsOf(await folderOf(job)));
  assert.equal(await exceededLimit(layout.socket, job.key), undefined);
});

test('a service that takes too much memory ends alone, and the log says why', async (t) => {
  const hog = { name: images.busybox, alias: 'hog', command: ['sh', '-c', `${takeMemory(256)}; exec sleep 900`] };
  const said = async (serviceMemory: string) => {
    await using policy = await policyWith({
      services: { allow: ['localhost/**'] },
      limits: { memory: '1GiB', serviceMemory },
    });
    await using job = new TestJob({ services: [hog] }, { env: policy.env });
    assert.equal((await job.player.stage('config')).exitCode, 0);
    const { exitCode, stdout, stderr } = await job.player.stage('prepare');
    const text = `${stdout}${stderr}`;
    assert.equal(exitCode, 0, text);
    assert.match(text, /Isolation proven: [^;]*limits\.memory/);
    const folder = await folderOf(job);
    t.diagnostic(eventsOf(folder));
    assert.equal(
      existsSync(join(folder, `${sliceName(job.key).replace('.slice', '')}-service0.slice`)),
      serviceMemory !== 'unlimited',
    );
    const beside = await job.sh('echo undisturbed; exit 3');
    assert.match(beside.stdout.toString(), /undisturbed\n/);
    assert.equal(await exceededLimit(layout.socket, job.key), undefined, 'the job as a whole met no limit');
    return { prepare: text, failing: `${beside.stdout}${beside.stderr}` };
  };
  const held = await said('160MiB');
  const why = 'the kernel ended it at limits.serviceMemory of policy "test"';
  assert.ok(held.prepare.includes(`the service has no exposed ports: ${why}`), held.prepare);
  assert.doesNotMatch(held.prepare, /took it/);
  assert.ok(held.failing.includes(`(services[0]) is gone: ${why}`), held.failing);
  const free = await said('unlimited');
  assert.match(free.prepare, /took it/);
  for (const text of Object.values(free)) assert.ok(!text.includes('limits.serviceMemory'), text);
});

test("a driver that runs as Podman's own user can make and remove slices, too", async () => {
  const host = join(import.meta.dirname, '../../src/host');
  const script = `
    const { userManager } = await import('${host}/user-manager.ts');
    const { createServiceSlice, createSlice, removeSlice } = await import('${host}/slice.ts');
    const manager = await userManager('${layout.socket}');
    await createSlice(manager, 'own-1', { memoryBytes: 1e8, cpus: 1, pids: 100 });
    await createServiceSlice(manager, 'own-1', 0, 1e7);
    console.log(manager.uid, await removeSlice(manager, 'own-1'), await removeSlice(manager, 'own-1'));
  `;
  const { stdout } = await podmanUser().exec(process.execPath, ['--input-type=module', '--eval', script]);
  assert.equal(stdout, `${manager.uid} true false`);
});
