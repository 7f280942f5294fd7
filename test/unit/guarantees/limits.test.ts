import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, suite, test } from 'node:test';
import { observeLimits } from '../../../src/guarantees/limits.ts';

const base = mkdtempSync(join(tmpdir(), 'bulkhead-limits-'));
after(() => rmSync(base, { recursive: true }));

const slice = 'bulkhead-job7_ab.slice';
const around = '/user.slice/user-990.slice/user@990.service/bulkhead.slice';
const place = `${around}/${slice}/libpod-conmon-0a8d.scope`;
const demanded = { memoryBytes: 1 << 30, cpus: 1.5, pids: 500 };
const held = { 'memory.max': '1073741824', 'memory.swap.max': '0', 'pids.max': '500', 'cpu.max': '150000 100000' };
const free = { 'memory.max': 'max', 'memory.swap.max': 'max', 'pids.max': 'max', 'cpu.max': 'max 100000' };

/** A /proc and a /sys/fs/cgroup. `processes` are the texts of /proc/<pid>/cgroup. */
function host(processes: Record<number, string>, cgroups: Record<string, Record<string, string>> = {}) {
  const paths = { run: '', proc: mkdtempSync(join(base, 'proc-')), cgroup: mkdtempSync(join(base, 'cgroup-')) };
  const write = (file: string, text: string) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
  };
  for (const [pid, text] of Object.entries(processes)) write(join(paths.proc, pid, 'cgroup'), text);
  for (const [folder, files] of Object.entries(cgroups)) {
    for (const [name, text] of Object.entries(files)) write(join(paths.cgroup, folder, name), text);
  }
  return paths;
}

/** The states of the three limits for two sandboxes in `text`'s cgroup whose slice holds `files`. */
async function observe(files: Record<string, string>, text = `0::${place}`, outer: Record<string, string> = free) {
  const paths = host({ 10: text, 11: text }, { [`${around}/${slice}`]: files, [around]: outer });
  return observeLimits([10, 11], slice, demanded, [], paths);
}

const states = (seen: Awaited<ReturnType<typeof observe>>) => Object.values(seen).map(({ state }) => state);

suite('limits of a slice', () => {
  test('as demanded are proven, with what was read', async () => {
    assert.deepEqual(await observe(held), {
      'limits.memory': { state: 'proven', evidence: 'memory.max 1073741824, memory.swap.max 0' },
      'limits.pids': { state: 'proven', evidence: 'pids.max 500' },
      'limits.cpu': { state: 'proven', evidence: 'cpu.max 1.5' },
    });
  });

  test('may be tighter than demanded: the kernel counts in whole pages', async () => {
    const tight = { ...held, 'memory.max': '1073737728', 'pids.max': '499', 'cpu.max': '50000 100000' };
    assert.deepEqual(states(await observe(tight)), ['proven', 'proven', 'proven']);
  });

  test('are told together with a tighter one around them', async () => {
    const seen = await observe(held, undefined, { ...free, 'pids.max': '100' });
    assert.deepEqual(seen['limits.pids'], { state: 'proven', evidence: 'pids.max 500, and only 100 around it' });
  });

  test('that are looser than demanded, or missing, are violated', async () => {
    const loose = { 'memory.max': '1073741825', 'memory.swap.max': '0', 'pids.max': 'max', 'cpu.max': '150001 100000' };
    assert.deepEqual(states(await observe(loose)), ['violated', 'violated', 'violated']);
  });

  test('are not made good by a tight one around them, which is not the job’s own', async () => {
    assert.deepEqual(states(await observe(free, undefined, held)), ['violated', 'violated', 'violated']);
  });

  test('on memory do not hold when swap is free', async () => {
    const seen = (await observe({ ...held, 'memory.swap.max': 'max' }))['limits.memory'];
    assert.equal(seen.state, 'violated');
    assert.match('reason' in seen ? seen.reason : '', /memory\.swap\.max of the job's slice is max, not 0/);
  });

  test('whose controller is not delegated are unavailable', async () => {
    const seen = await observe({ 'memory.max': '1073741824', 'memory.swap.max': '0', 'pids.max': '500' });
    assert.deepEqual(states(seen), ['proven', 'proven', 'unavailable']);
  });

  test('that nobody demanded are unavailable, whatever is there', async () => {
    const paths = host({ 10: `0::${place}` }, { [`${around}/${slice}`]: held });
    const none = { memoryBytes: undefined, cpus: undefined, pids: undefined };
    assert.deepEqual(states(await observeLimits([10], slice, none, [], paths)), Array(3).fill('unavailable'));
  });

  test('that cannot be a number are an error, never proven', async () => {
    await assert.rejects(observe({ ...held, 'pids.max': '5e2' }), /not a cgroup limit: "5e2"/);
  });
});

suite('a sandbox', () => {
  for (const [where, path] of [
    ['outside the slice', `${around}/libpod-conmon-0a8d.scope`],
    ["in another job's slice", `${around}/bulkhead-job7_abc.slice/libpod-conmon-0a8d.scope`],
    ['in a cgroup that only begins like it', `${around}/${slice}.scope`],
    ['in the root', '/'],
  ] as const) {
    test(`${where} is held to no limit`, async () => {
      const seen = await observe(held, `0::${path}`);
      assert.deepEqual(states(seen), ['violated', 'violated', 'violated']);
      const { 'limits.memory': memory } = seen;
      assert.ok('reason' in memory && memory.reason.includes(`process 10 is in the cgroup ${path},`));
    });
  }

  test('outside the slice breaks the limits of the others in it', async () => {
    const paths = host({ 10: `0::${place}`, 11: `0::${around}` }, { [`${around}/${slice}`]: held });
    assert.deepEqual(states(await observeLimits([10, 11], slice, demanded, [], paths)), Array(3).fill('violated'));
  });

  test('that is gone, or none at all, is held to no limit', async () => {
    const paths = host({ 10: `0::${place}` }, { [`${around}/${slice}`]: held });
    for (const pids of [[], [12], [10, 12]]) {
      assert.deepEqual(states(await observeLimits(pids, slice, demanded, [], paths)), Array(3).fill('violated'));
    }
  });

  test('on a host with cgroup version 1, or with both, has no limits to see', async () => {
    const one = '9:name=systemd:/\n8:pids:/\n4:memory:/a\n2:cpuacct:/\n1:cpu:/';
    for (const text of [one, `${one}\n0::${place}`, `3:cpu,cpuacct:/\n0::${place}`, `9:memory:/\n0::${place}`, '']) {
      assert.deepEqual(states(await observe(held, text)), Array(3).fill('unavailable'), text);
    }
  });

  test('with a version 1 hierarchy that keeps no controller of ours beside version 2 is as on version 2', async () => {
    const seen = await observe(held, `2:name=systemd:/\n1:net_cls:/\n0::${place}`);
    assert.deepEqual(states(seen), ['proven', 'proven', 'proven']);
  });
});

suite('the memory of a service', () => {
  const own = 'bulkhead-job7_ab-service0.slice';
  const inOwn = `0::${around}/${slice}/${own}/libpod-conmon-1b.scope`;
  const bytes = 1 << 28;
  const ownFiles = { 'memory.max': `${bytes}`, 'memory.swap.max': '0' };

  /** What is seen of a job with one service, whose process is in the cgroup `text`, with its slice holding `files`. */
  async function seen(files: Record<string, string>, text = inOwn, jobs: Record<string, string> = held) {
    const cgroups = { [`${around}/${slice}/${own}`]: files, [`${around}/${slice}`]: jobs, [around]: free };
    const paths = host({ 10: `0::${place}`, 11: text }, cgroups);
    const service = { role: 'service-0', pid: 11, slice: own, memoryBytes: bytes };
    return observeLimits([10, 11], slice, demanded, [service], paths);
  }
  const memory = async (...input: Parameters<typeof seen>) => {
    const { 'limits.memory': one } = await seen(...input);
    return `${one.state}: ${one.state === 'proven' ? one.evidence : one.reason}`;
  };

  test('is proven beside that of the job', async () => {
    assert.equal(
      await memory(ownFiles),
      `proven: memory.max 1073741824, memory.swap.max 0; service-0: memory.max ${bytes}, memory.swap.max 0`,
    );
    assert.deepEqual(states(await seen(ownFiles)), ['proven', 'proven', 'proven']);
  });

  for (const [what, expected, ...input] of [
    [
      'has another number',
      /^violated: memory\.max of the slice of service-0 is max, not 268435456$/,
      { ...ownFiles, 'memory.max': 'max' },
    ],
    [
      'leaves swap free',
      /^violated: memory\.swap\.max of the slice of service-0 is max/,
      { ...ownFiles, 'memory.swap.max': 'max' },
    ],
    ['has no controller', /^unavailable: the slice of service-0 has no memory\.max/, {}],
    [
      'holds the job alone',
      /^violated: .*process 11 is in the cgroup .*, not in bulkhead-job7_ab-service0\.slice$/,
      ownFiles,
      `0::${place}`,
    ],
    [
      "is another service's",
      /^violated: .*not in bulkhead-job7_ab-service0/,
      ownFiles,
      inOwn.replace('service0', 'service01'),
    ],
    [
      "is not the job's",
      /^violated: memory\.max of the job's slice/,
      ownFiles,
      inOwn,
      { ...held, 'memory.max': 'max' },
    ],
  ] as [string, RegExp, ...Parameters<typeof seen>][]) {
    test(`is not when its slice ${what}`, async () => assert.match(await memory(...input), expected));
  }
});
