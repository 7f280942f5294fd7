import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import fc from 'fast-check';
import { formatLine, genesis, sha256 } from '../../../src/receipts/chain.ts';
import { verifyReceipts } from '../../../src/receipts/verify.ts';
import { chainOf, writeLines } from './samples.ts';

const root = mkdtempSync(join(tmpdir(), 'bulkhead-verify-'));
after(() => rmSync(root, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'));
});

const write = (lines: readonly (string | Buffer)[], name?: string) => writeLines(folder, lines, name);
const problems = async (head?: string) =>
  (await verifyReceipts(folder, head === undefined ? {} : { head })).problems.map(
    ({ file, line, problem }) => `${file}:${line}: ${problem}`,
  );

suite('a chain is whole', () => {
  for (const count of [1, 2, 1000]) {
    test(`with ${count} records`, async () => {
      const { lines, head } = chainOf(count);
      write(lines);
      const none = { files: ['receipts.jsonl'], records: count, torn: 0, head, problems: [] };
      assert.deepEqual(await verifyReceipts(folder), none);
      assert.deepEqual(await verifyReceipts(folder, { head: head.hash }), none);
      assert.deepEqual(await verifyReceipts(folder, { head: genesis.hash }), none);
    });
  }

  test('over several files, in the order of their numbers', async () => {
    const { lines, head } = chainOf(12);
    write(lines.slice(0, 1), 'receipts-1.jsonl');
    write(lines.slice(1, 9), 'receipts-2.jsonl');
    write(lines.slice(9, 11), 'receipts-10.jsonl');
    write(lines.slice(11));
    const files = ['receipts-1.jsonl', 'receipts-2.jsonl', 'receipts-10.jsonl', 'receipts.jsonl'];
    assert.deepEqual(await verifyReceipts(folder), { files, records: 12, torn: 0, head, problems: [] });
    rmSync(join(folder, 'receipts-2.jsonl'));
    assert.deepEqual(await problems(), ['receipts-10.jsonl:1: this is record 10; 2 to 9 are missing before it']);
  });

  test('when its last line feed is still missing', async () => {
    write(chainOf(3).lines);
    truncateSync(join(folder, 'receipts.jsonl'), readFileSync(join(folder, 'receipts.jsonl')).length - 1);
    assert.deepEqual(await problems(), []);
  });

  test('when it went on after a noted head', async () => {
    const { lines, head } = chainOf(3);
    write([...lines, ...chainOf(2, head).lines]);
    assert.deepEqual(await problems(head.hash), []);
  });

  for (const [what, torn] of [
    ['half a line', '{"schemaVersion":1,"sequ\n'],
    ['several', '{"schemaVersion":1,"sequ\n{"sche\n\n'],
    ['zeros, as a power cut leaves them', `${'\0'.repeat(5000)}\n`],
    ['more than any record', `${'x'.repeat(3_000_000)}\n`],
  ] as const) {
    test(`with a write that was cut off, and accounted for: ${what}`, async () => {
      const { lines, head } = chainOf(3);
      const found = { bytes: torn.length, sha256: sha256(Buffer.from(torn)) };
      const next = formatLine(head, new Date(), {}, found);
      write([...lines, torn.slice(0, -1), next]);
      assert.deepEqual(await problems(), []);
      assert.equal((await verifyReceipts(folder)).torn, 1);
      // Evil twins: one byte more, one less, another one, and none.
      for (const other of [`${torn.slice(0, -1)}x`, torn.slice(0, -2), `y${torn.slice(1, -1)}`]) {
        write([...lines, other, next]);
        assert.deepEqual(await problems(), ['receipts.jsonl:4: no record, and none that the next one accounts for']);
      }
      write([...lines, next]);
      assert.deepEqual(await problems(), [`receipts.jsonl:4: ${torn.length} bytes that it found before it are gone`]);
    });
  }
});

suite('what is found', () => {
  test('a line that was changed', async () => {
    const { lines } = chainOf(4);
    write(lines.map((line, index) => (index === 1 ? line.replace('"n":1', '"n":7') : line)));
    assert.deepEqual(await problems(), ['receipts.jsonl:3: the record before it was changed']);
  });

  test('a line that is no record any more', async () => {
    const { lines } = chainOf(4);
    write(lines.map((line, index) => (index === 1 ? line.slice(1) : line)));
    assert.deepEqual(await problems(), [
      'receipts.jsonl:2: no record, and none that the next one accounts for',
      'receipts.jsonl:3: this is record 3; 2 is missing before it',
    ]);
  });

  test('a line that was removed, the first and the last but one among them', async () => {
    for (const [gone, problem] of [
      [0, 'receipts.jsonl:1: this is record 2; 1 is missing before it'],
      [2, 'receipts.jsonl:3: this is record 4; 3 is missing before it'],
    ] as const) {
      write(chainOf(4).lines.filter((_, index) => index !== gone));
      assert.deepEqual(await problems(), [problem]);
    }
  });

  test('lines that changed places', async () => {
    const [a = '', b = '', c = '', d = ''] = chainOf(4).lines;
    write([a, c, b, d]);
    assert.deepEqual(await problems(), [
      'receipts.jsonl:2: this is record 3; 2 is missing before it',
      'receipts.jsonl:3: this is record 2, after record 3: repeated, or out of order',
      'receipts.jsonl:4: this is record 4; 3 is missing before it',
    ]);
  });

  test('a line that is there twice', async () => {
    const [a = '', b = '', c = ''] = chainOf(3).lines;
    write([a, b, b, c]);
    assert.deepEqual(await problems(), [
      'receipts.jsonl:3: this is record 2, after record 2: repeated, or out of order',
    ]);
  });

  test('another chain, put in front', async () => {
    const other = formatLine(genesis, new Date(0), {});
    write([other, ...chainOf(3).lines.slice(1)]);
    assert.deepEqual(await problems(), ['receipts.jsonl:2: the record before it was changed']);
    write(chainOf(2, { ...genesis, hash: 'f'.repeat(64) }).lines);
    assert.deepEqual(await problems(), ['receipts.jsonl:1: the first record names one before it']);
  });

  test('a torn end that nothing accounts for yet', async () => {
    write(chainOf(2).lines);
    writeFileSync(join(folder, 'receipts.jsonl'), '{"schema', { flag: 'a' });
    assert.match((await problems()).join(), /^receipts\.jsonl:3: 8 bytes at the end are no record/);
  });

  test('a file under a wrong name, one without its end, and one that holds nothing', async () => {
    const { lines } = chainOf(4);
    write(lines.slice(0, 2), 'receipts-2.jsonl');
    write(lines.slice(2));
    assert.deepEqual(await problems(), [
      'receipts-2.jsonl:0: the file begins with record 1, which its name does not say',
    ]);
    rmSync(join(folder, 'receipts-2.jsonl'));
    writeFileSync(join(folder, 'receipts-1.jsonl'), lines.slice(0, 2).join('\n'));
    assert.deepEqual(await problems(), ['receipts-1.jsonl:2: the line feed at the end of the file is missing']);
    writeFileSync(join(folder, 'receipts-1.jsonl'), '');
    assert.deepEqual(await problems(), [
      'receipts-1.jsonl:0: the file holds no record, which its name does not say',
      'receipts.jsonl:1: this is record 3; 1 to 2 are missing before it',
    ]);
  });

  test('nothing at all', async () => {
    assert.match((await problems()).join(), /no receipts: none was written yet, or all were removed/);
    await assert.rejects(verifyReceipts(join(folder, 'none')), { code: 'receipts-unusable' });
  });

  test('with --head only: an end that was cut off, or a last line that was changed', async () => {
    const { lines, head } = chainOf(4);
    const lost = /no record has the hash that was noted/;
    write(lines.slice(0, 2));
    assert.deepEqual(await problems(), []);
    assert.match((await problems(head.hash)).join(), lost);
    write(lines.map((line, index) => (index === 3 ? line.replace('"n":3', '"n":4') : line)));
    assert.deepEqual(await problems(), []);
    assert.match((await problems(head.hash)).join(), lost);
    write([]);
    assert.match((await problems(head.hash)).join(), lost);
  });

  test('a record that is no line of its own', async () => {
    // readLines gives a line that is too long in pieces, and one of them begins just here.
    const piece = 17 * 64 * 1024;
    write([`${'x'.repeat(piece)}${chainOf(1).lines[0]}`]);
    assert.equal((await verifyReceipts(folder)).records, 0);
  });

  test('no more than anybody reads', async () => {
    write(Array.from({ length: 3000 }, () => chainOf(1).lines[0] ?? ''));
    const all = await problems();
    assert.equal(all.length, 1001);
    assert.match(all.at(-1) ?? '', /more follow/);
  });
});

test('any one edit, deletion, swap or insertion of a line is found', async () => {
  const place = fc.nat({ max: 11 });
  const bytes = fc.uint8Array({ maxLength: 200 }).map((text) => Buffer.from(text.filter((byte) => byte !== 0x0a)));
  const { lines, head } = chainOf(12);
  const original: Buffer[] = lines.map((line) => Buffer.from(line));
  const at = (index: number): Buffer => original[index] ?? Buffer.alloc(0);
  const edit = fc.tuple(place, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([index, where, change]) => {
    const line = Buffer.from(at(index));
    const offset = where % line.length;
    line[offset] = (line[offset] ?? 0) ^ change;
    return original.with(index, line);
  });
  const tampered = fc.oneof(
    edit,
    fc.tuple(place, bytes).map(([index, text]) => original.with(index, text)),
    fc.tuple(place, fc.nat(), bytes).map(([index, where, text]) => {
      const cut = where % (at(index).length + 1);
      return original.with(index, Buffer.concat([at(index).subarray(0, cut), text, at(index).subarray(cut)]));
    }),
    place.map((index) => original.toSpliced(index, 1)),
    fc.tuple(place, place).map(([a, b]) => original.with(a, at(b)).with(b, at(a))),
    fc.tuple(place, fc.nat({ max: 12 })).map(([which, where]) => original.toSpliced(where, 0, at(which))),
    fc.tuple(fc.nat({ max: 12 }), bytes).map(([where, text]) => original.toSpliced(where, 0, text)),
  );
  const whole = Buffer.concat(original);
  await fc.assert(
    fc.asyncProperty(
      tampered.filter((changed) => changed.length !== 12 || !Buffer.concat(changed).equals(whole)),
      fc.nat({ max: 12 }),
      async (changed, split) => {
        // Over two files or in one.
        rmSync(folder, { recursive: true });
        folder = mkdtempSync(join(root, 'test-'));
        const inFirst = Math.min(split, changed.length);
        if (inFirst > 0) write(changed.slice(0, inFirst), 'receipts-1.jsonl');
        write(changed.slice(inFirst));
        const last = changed.at(-1);
        // Without --head, the end is the one place where it cannot be seen.
        const atEnd = changed.length < 12 ? changed.every((line, index) => line.equals(at(index))) : false;
        const lastOnly = changed.length === 12 && changed.slice(0, -1).every((line, index) => line.equals(at(index)));
        assert.notDeepEqual(await problems(head.hash), [], `${last}`);
        if (!atEnd && !lastOnly) assert.notDeepEqual(await problems(), [], `${last}`);
      },
    ),
    { numRuns: 500 },
  );
});
