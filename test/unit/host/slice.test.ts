import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { exceededIn } from '../../../src/host/exceeded-limit.ts';
import { createServiceSlice, serviceSliceName, sliceName, sliceProperties } from '../../../src/host/slice.ts';
import { type UserManager, userManager } from '../../../src/host/user-manager.ts';

const base = mkdtempSync(join(tmpdir(), 'bulkhead-slice-'));
after(() => rmSync(base, { recursive: true }));

suite('the slice of a job', () => {
  test('is a child of bulkhead.slice, whatever the key holds', () => {
    assert.equal(sliceName('1234-0123456789ab'), 'bulkhead-job1234_0123456789ab.slice');
    assert.equal(sliceName('1234-0123456789ab').match(/-/g)?.length, 1);
  });

  test('has the limits that are given, and no others', () => {
    const properties = sliceProperties({ memoryBytes: 4 * 2 ** 30, cpus: 0.5, pids: 100 });
    assert.deepEqual(properties.slice(1), [
      ['MemoryMax', 't', '4294967296'],
      ['MemorySwapMax', 't', '0'],
      ['TasksMax', 't', '100'],
      ['CPUQuotaPerSecUSec', 't', '500000'],
    ]);
    assert.equal(sliceProperties({ memoryBytes: undefined, cpus: undefined, pids: undefined }).length, 1);
  });

  test('never gives more than was asked for', () => {
    const [, cpu] = sliceProperties({ memoryBytes: undefined, cpus: 2 / 3, pids: undefined });
    assert.equal(cpu?.[2], '666666');
  });
});

suite('the slice of a service', () => {
  test("is a child of its job's, for systemd", () => {
    const key = '1234-0123456789ab';
    assert.equal(serviceSliceName(key, 11), 'bulkhead-job1234_0123456789ab-service11.slice');
    // A dash is a level.
    assert.equal(serviceSliceName(key, 11).replace(/-[^-]*\.slice$/, '.slice'), sliceName(key));
  });

  test('has a limit of memory, and no other', async () => {
    const calls: string[][] = [];
    const manager: UserManager = {
      state: 'available',
      uid: 1000,
      async run(...words) {
        calls.push(words);
        return words[0] === 'systemctl' ? 'ActiveState=active\nControlGroup=/a/b.slice\n' : '';
      },
    };
    assert.match(await createServiceSlice(manager, '7-ab', 2, 2 ** 28), /\/a\/b\.slice$/);
    const [start = []] = calls;
    assert.equal(start[6], 'ssa(sv)a(sa(sv))');
    assert.deepEqual(start.slice(7), [
      ...['bulkhead-job7_ab-service2.slice', 'fail', '3'],
      ...['Description', 's', 'A service of a CI job of Bulkhead'],
      ...['MemoryMax', 't', '268435456', 'MemorySwapMax', 't', '0', '0'],
    ]);
    assert.deepEqual(calls[1]?.at(-1), 'bulkhead-job7_ab-service2.slice');
  });
});

suite('the limit that ended a sandbox', () => {
  const none = 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n';
  const killed = none.replace('oom 0', 'oom 1').replace('oom_kill 0', 'oom_kill 2');
  const files = { 'memory.events': none, 'pids.events': 'max 0\n', 'pids.peak': '57\n', 'pids.max': '200\n' };

  for (const [what, changes, expected] of [
    ['none, though memory was short', { 'memory.events': none.replace('max 0', 'max 31') }, undefined],
    ['none, when the whole host ran out of memory', { 'memory.events': none.replace('kill 0', 'kill 1') }, undefined],
    ['none, though every process is taken that there may be', { 'pids.peak': '199\n' }, undefined],
    ['none, without a limit', { 'pids.max': 'max\n' }, undefined],
    ['memory', { 'memory.events': killed }, 'memory'],
    ['memory, its own', { 'memory.events': killed, 'memory.events.local': 'oom 1\noom_kill 0\n' }, 'memory'],
    [
      "none, when a service's own ran out within it",
      { 'memory.events': killed, 'memory.events.local': none },
      undefined,
    ],
    ['memory first', { 'memory.events': killed, 'pids.events': 'max 3\n' }, 'memory'],
    ['processes', { 'pids.events': 'max 1\n', 'pids.peak': '200\n' }, 'pids'],
    ['processes, on a kernel that counts them elsewhere', { 'pids.peak': '200\n' }, 'pids'],
  ] as const) {
    test(`is ${what}`, async () => {
      const folder = mkdtempSync(join(base, 'cgroup-'));
      for (const [name, text] of Object.entries({ ...files, ...changes })) writeFileSync(join(folder, name), text);
      assert.equal(await exceededIn(folder), expected);
    });
  }

  test('is none when the slice is gone', async () => {
    assert.equal(await exceededIn(join(base, 'gone')), undefined);
  });
});

suite("the manager of Podman's user", () => {
  const uid = process.getuid?.() ?? 0;

  /** A host with everything; `without` takes away. */
  function host(without: readonly string[] = [], controllers = 'cpu memory pids') {
    const folder = mkdtempSync(join(base, 'host-'));
    const service = `cgroup/user.slice/user-${uid}.slice/user@${uid}.service`;
    for (const name of ['run/systemd/system', `run/user/${uid}`, service]) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    writeFileSync(join(folder, service, 'cgroup.controllers'), `${controllers}\n`);
    for (const name of ['cgroup/cgroup.controllers', `run/user/${uid}/bus`, 'socket'])
      writeFileSync(join(folder, name), '');
    for (const name of without) rmSync(join(folder, name), { recursive: true });
    const paths = { run: join(folder, 'run'), cgroup: join(folder, 'cgroup'), proc: '/proc' };
    return (caller?: number) => userManager(join(folder, 'socket'), paths, caller);
  }

  test('is found by that user and by root', async () => {
    for (const caller of [uid, 0]) assert.equal((await host()(caller)).state, 'available');
  });

  for (const [what, found, reason] of [
    ['another user', host()(uid + 1), new RegExp(`driver runs as the user ${uid + 1}, Podman as ${uid}:`)],
    ['cgroup version 1', host(['cgroup/cgroup.controllers'])(), /cgroup version 1/],
    ['no systemd', host(['run/systemd'])(), /systemd does not run/],
    ['no socket', host(['socket'])(), /no socket/],
    ['no session', host([`run/user/${uid}`])(), /no session/],
    ['no bus', host([`run/user/${uid}/bus`])(), /no session with a bus/],
    ['no processor controller', host([], 'memory pids')(), /controllers cpu to the user/],
  ] as const) {
    test(`is unavailable with ${what}, and says so`, async () => {
      const seen = await found;
      assert.equal(seen.state, 'unavailable');
      assert.match(seen.reason, reason);
      assert.notEqual(seen.remedy, '');
    });
  }
});
