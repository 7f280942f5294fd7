import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { claimTurn, sweepOrphans } from '../../../src/orphans/sweep.ts';
import { openPodman } from '../../../src/podman/client.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-sweep-'));
after(() => rmSync(root, { recursive: true }));
const folder = () => mkdtempSync(join(root, 'state-'));
const at = 1_800_000_000_000;

suite('a turn', () => {
  test('is had once in its span of time', async () => {
    const state = folder();
    const had: boolean[] = [];
    for (const ms of [0, 1, 299_000, 299_999, 300_000, 300_001, 900_000]) {
      had.push(await claimTurn(state, at + ms, 300));
    }
    assert.deepEqual(had, [true, false, false, false, true, false, true]);
  });

  test('is had by one of many', async () => {
    const state = folder();
    const had = await Promise.all(Array.from({ length: 50 }, () => claimTurn(state, at, 300)));
    assert.equal(had.filter(Boolean).length, 1);
  });

  test('leaves one file, and everything else as it is', async () => {
    const state = folder();
    writeFileSync(join(state, 'receipts.jsonl'), '');
    for (const ms of [0, 300_000, 600_000, 0]) await claimTurn(state, at + ms, 300);
    assert.deepEqual(readdirSync(state).sort(), ['orphans-looked-6000000', 'receipts.jsonl']);
  });

  test('is nobody’s in a folder that is not there, or that others can write', async () => {
    assert.equal(await claimTurn(join(root, 'none'), at, 300), false);
    const state = folder();
    chmodSync(state, 0o777);
    await assert.rejects(claimTurn(state, at, 300), { code: 'file-unsafe' });
  });
});

suite('a sweep', () => {
  const never = new AbortController().signal;

  test('does not fail where there is no Podman', async () => {
    const socket = join(root, 'none.sock');
    const host = { socket, stateFolder: folder() };
    assert.deepEqual(await sweepOrphans(openPodman(socket), host, never), { looked: false, removed: 0 });
    assert.deepEqual(await sweepOrphans(openPodman(socket), { ...host, stateFolder: '/nonexistent' }, never), {
      looked: false,
      removed: 0,
    });
  });

  test('ends with its budget, or when it is told to, though Podman never answers', async () => {
    const socket = join(root, 'silent.sock');
    const connections: Socket[] = [];
    const server = createServer((connection) => connections.push(connection)).listen(socket);
    await once(server, 'listening');
    try {
      for (const [stopMs, budgetMs] of [
        [60_000, 1000],
        [1000, 60_000],
      ] as const) {
        const started = performance.now();
        const host = { socket, stateFolder: folder() };
        const stop = AbortSignal.timeout(stopMs);
        const swept = await sweepOrphans(openPodman(socket), host, stop, { budgetMs });
        assert.deepEqual(swept, { looked: true, removed: 0 });
        const took = performance.now() - started;
        assert.ok(took >= 990 && took < 10_000, `${took} ms`);
      }
      assert.equal(connections.length, 6, 'one list for each kind of object');
    } finally {
      for (const connection of connections) connection.destroy();
      server.close();
    }
  });

  test('does not look when it is told to end before', async () => {
    const state = folder();
    assert.deepEqual(
      await sweepOrphans(openPodman(join(root, 'x')), { socket: '/x', stateFolder: state }, AbortSignal.abort()),
      {
        looked: false,
        removed: 0,
      },
    );
    assert.deepEqual(readdirSync(state), []);
  });
});
