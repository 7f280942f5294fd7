import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../../src/host/folder-lock.ts';
import { appendReceipt } from '../../../src/receipts/append.ts';
import { genesis, readHeader, sha256 } from '../../../src/receipts/chain.ts';
import type { ReceiptRecord } from '../../../src/receipts/record.ts';
import { verifyReceipts } from '../../../src/receipts/verify.ts';
import { chainOf, finished, prepared, refused, writeLines } from './samples.ts';

const root = mkdtempSync(join(tmpdir(), 'bulkhead-receipts-'));
after(() => rmSync(root, { recursive: true }));
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'));
  file = join(folder, 'receipts.jsonl');
});

const lines = (path = file): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);
const records = () => lines().map((line) => JSON.parse(line));

/** Whole, and so many cut-off writes accounted for. */
async function assertWhole(torn = 0): Promise<void> {
  const { problems, torn: seen } = await verifyReceipts(folder);
  assert.deepEqual({ problems, torn: seen }, { problems: [], torn });
}

suite('a receipt', () => {
  test('is one line, chained to the one before', async () => {
    const before = Date.now();
    for (const record of [prepared, refused, finished]) await appendReceipt(folder, record);
    const [first, second, third] = records();
    const { time, ...rest } = first;
    assert.deepEqual(rest, { schemaVersion: 1, sequence: 1, previous: genesis.hash, ...prepared });
    assert.equal(new Date(time).toISOString(), time);
    assert.ok(Date.parse(time) >= before && Date.parse(time) <= Date.now());
    assert.deepEqual([second.sequence, second.previous], [2, sha256(Buffer.from(lines()[0] ?? ''))]);
    assert.deepEqual([third.sequence, third.previous], [3, sha256(Buffer.from(lines()[1] ?? ''))]);
    await assertWhole();
  });

  test('is for its owner only', async () => {
    await appendReceipt(folder, finished);
    for (const name of ['receipts.jsonl', 'lock']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  });

  test('moves no cursor and turns no text around, whatever a job calls its things', async () => {
    const projectPath = `ünï/\u001b[2J\u009b31m\n{"sequence":9}\r\u0000\u202egpj.\u{1f600}\u007f${String.fromCharCode(0xd800)}`;
    await appendReceipt(folder, { ...finished, job: { ...finished.job, projectPath } });
    assert.match(readFileSync(file, 'latin1'), /^[\x20-\x7e]+\n$/);
    assert.equal(records()[0].job.projectPath, projectPath);
    await assertWhole();
  });

  test('holds nothing but what it is meant to hold', async () => {
    for (const more of [
      { token: 'x' },
      { job: { ...finished.job, variables: [] } },
      { sequence: 7 },
      { kind: 'other' },
    ]) {
      await assert.rejects(appendReceipt(folder, { ...finished, ...more } as ReceiptRecord), { name: 'ZodError' });
    }
    assert.deepEqual(readdirSync(folder), []);
  });
});

suite('a write that was cut off', () => {
  const next = chainOf(4).lines[3] ?? '';

  for (const [what, rest] of [
    ['after some bytes', next.slice(0, 30)],
    ['but for its last byte', next.slice(0, -1)],
    ['and one after it', `${next.slice(0, 30)}\n${next.slice(0, 50)}`],
    ['and one that got no further than its line feed', `${next.slice(0, 30)}\n`],
    ['as zeros', '\0'.repeat(200_000)],
    ['so that the last record is read in two pieces', 'x'.repeat(64 * 1024 - 100)],
  ] as const) {
    test(`stays, and the next record accounts for it: ${what}`, async () => {
      writeLines(folder, chainOf(3).lines);
      appendFileSync(file, rest);
      const before = readFileSync(file);
      await appendReceipt(folder, finished);
      await appendReceipt(folder, finished);
      assert.ok(readFileSync(file).subarray(0, before.length).equals(before));
      const found = `${rest}${rest.endsWith('\n') ? '' : '\n'}`;
      const record = JSON.parse(lines().at(-2) ?? '');
      assert.equal(record.sequence, 4);
      assert.deepEqual(record.torn, { bytes: found.length, sha256: sha256(Buffer.from(found)) });
      await assertWhole(1);
    });
  }

  test('but for its line feed is whole, and only gets that', async () => {
    writeLines(folder, chainOf(4).lines);
    truncateSync(file, statSync(file).size - 1);
    await appendReceipt(folder, finished);
    assert.deepEqual(lines().slice(0, 4), chainOf(4).lines);
    assert.equal(records()[4].sequence, 5);
    await assertWhole();
  });

  test('that was the first', async () => {
    writeFileSync(file, '{"schemaV');
    await appendReceipt(folder, finished);
    assert.equal(JSON.parse(lines()[1] ?? '').previous, genesis.hash);
    await assertWhole(1);
  });
});

test('finding the last record reads no more than the end of the file', async () => {
  const {
    lines: [line = ''],
    head,
  } = chainOf(1);
  writeFileSync(file, '');
  // A hole of more than one could read into memory.
  truncateSync(file, 8 * 1024 ** 3);
  appendFileSync(file, `\n${line}\n`);
  const end = statSync(file).size;
  await appendReceipt(folder, finished, { full: Number.POSITIVE_INFINITY });
  const descriptor = openSync(file, 'r');
  const added = Buffer.alloc(statSync(file).size - end);
  readSync(descriptor, added, 0, added.length, end);
  closeSync(descriptor);
  const { sequence, previous } = JSON.parse(added.toString());
  assert.deepEqual([sequence, previous], [2, head.hash]);
});

suite('a full file', () => {
  test('is put aside under the number of its first record, and the chain goes on in the next', async () => {
    for (let n = 0; n < 7; n++) await appendReceipt(folder, finished, { full: 900 });
    const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
    assert.deepEqual(files, ['receipts-1.jsonl', 'receipts-4.jsonl', 'receipts.jsonl']);
    const last = lines(join(folder, 'receipts-4.jsonl')).at(-1) ?? '';
    assert.equal(records()[0].previous, sha256(Buffer.from(last)));
    await assertWhole();
  });

  test('waits until what was cut off at its end is accounted for', async () => {
    for (let n = 0; n < 3; n++) await appendReceipt(folder, finished, { full: 900 });
    appendFileSync(file, '{"sch');
    for (let n = 0; n < 2; n++) await appendReceipt(folder, finished, { full: 900 });
    assert.equal(lines(join(folder, 'receipts-1.jsonl')).length, 5);
    assert.equal(records().length, 1);
    await assertWhole(1);
  });

  test("takes no other file's place", async () => {
    await appendReceipt(folder, finished);
    writeFileSync(join(folder, 'receipts-1.jsonl'), 'precious');
    for (let n = 0; n < 4; n++) await appendReceipt(folder, finished, { full: 900 });
    assert.equal(readFileSync(join(folder, 'receipts-1.jsonl'), 'utf8'), 'precious');
    assert.equal(lines().length, 5);
    rmSync(file);
    await assert.rejects(appendReceipt(folder, finished), {
      code: 'receipts-unusable',
      message: /receipts-1\.jsonl holds no receipt/,
      hint: /move it away/,
    });
  });

  test('was put aside, but the next was not begun', async () => {
    const { lines: old, head } = chainOf(3);
    writeLines(folder, old, 'receipts-1.jsonl');
    writeFileSync(file, '{"torn');
    await appendReceipt(folder, finished);
    const record = JSON.parse(lines()[1] ?? '');
    assert.deepEqual([record.sequence, record.previous], [4, head.hash]);
    await assertWhole(1);
  });
});

suite('no receipt is written', () => {
  const unusable = (message: RegExp, hint = /./) => ({ code: 'receipts-unusable', message, hint });

  test('where there is no folder', async () => {
    await assert.rejects(
      appendReceipt(join(folder, 'none'), finished),
      unusable(/the folder does not exist/, /install -d -m 700/),
    );
  });

  test('where others could change it', async () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    await assert.rejects(appendReceipt(open, finished), { code: 'file-unsafe' });
    writeFileSync(file, '');
    chmodSync(file, 0o666);
    await assert.rejects(appendReceipt(folder, finished), { code: 'file-unsafe' });
  });

  test('through a link, nor into anything but a file', async () => {
    symlinkSync('/dev/null', file);
    await assert.rejects(appendReceipt(folder, finished), unusable(/ELOOP/));
    rmSync(file);
    mkdirSync(file);
    await assert.rejects(appendReceipt(folder, finished), unusable(/EISDIR/));
  });

  test('without flock, which the message names', async (t) => {
    const path = process.env['PATH'];
    t.after(() => {
      process.env['PATH'] = path;
    });
    process.env['PATH'] = folder;
    await assert.rejects(appendReceipt(folder, finished), unusable(/no flock/, /util-linux/));
  });
});

/** A child that appends; what it acknowledged, and whether it ended by itself. */
async function writer(args: readonly (string | number)[], killAfterMs?: number): Promise<string[]> {
  const script = join(import.meta.dirname, 'writer.ts');
  const child = spawn(process.execPath, [script, folder, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = child.stdout.setEncoding('utf8').toArray();
  const closed = once(child, 'close');
  if (killAfterMs !== undefined) await Promise.race([sleep(killAfterMs, undefined, { ref: false }), closed]);
  if (killAfterMs !== undefined) child.kill('SIGKILL');
  const [code, signal] = await closed;
  if (killAfterMs === undefined && args.length === 1) assert.deepEqual([code, signal], [0, null]);
  return (await output).join('').split('\n').filter(Boolean);
}

suite('writers at the same time', () => {
  test('8 processes, 50 records each, some killed at any moment, some in mid-append: the chain is whole', async () => {
    const acknowledged = await Promise.all([
      ...[50, 50, 50].map((count) => writer([count])),
      // In mid-append: nothing, a few bytes, most of the line, all but the line feed.
      ...[
        [10, 0],
        [20, 5],
        [30, 300],
      ].map((args) => writer(args)),
      ...[700, 1500].map((after) => writer([50], after)),
    ]);
    // What waited for the lock of the dead goes on; one more record accounts for what the last of them may have left.
    await appendReceipt(folder, finished);
    const written = lines().flatMap((line) => (readHeader(Buffer.from(line)) ? [JSON.parse(line)] : []));
    const names = written.map(({ runnerProcess }) => runnerProcess);
    // Each one acknowledged is there, and once; one more of a process that was killed before it could say so may be, too.
    for (const name of acknowledged.flat()) assert.equal(names.filter((other) => other === name).length, 1, name);
    assert.ok(names.length >= acknowledged.flat().length + 1 && names.length <= acknowledged.flat().length + 3);
    const { problems, records: count, torn } = await verifyReceipts(folder);
    assert.deepEqual({ problems, count }, { problems: [], count: names.length });
    assert.ok(torn >= 1, 'none was killed in mid-append');
  });

  test('the lock goes with the process that held it', async () => {
    await appendReceipt(folder, finished);
    // Dies under the lock.
    await writer([0, 10]);
    const start = performance.now();
    await appendReceipt(folder, finished);
    assert.ok(performance.now() - start < 2000);
    await assertWhole(1);
  });

  test('and it does keep others out', async () => {
    const order: string[] = [];
    await Promise.all([
      withLock(folder, async () => {
        order.push('in');
        await sleep(200);
        order.push('out');
      }),
      withLock(folder, async () => {
        order.push('in');
        await sleep(200);
        order.push('out');
      }),
    ]);
    assert.deepEqual(order, ['in', 'out', 'in', 'out']);
  });

  test('but not for ever: then nothing is done', async () => {
    await withLock(folder, async () => {
      const worked = withLock(folder, async () => assert.fail('it got in'), 0.1);
      await assert.rejects(worked, /another process held the lock for 0\.1 s/);
    });
  });
});
