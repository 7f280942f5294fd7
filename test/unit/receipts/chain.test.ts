import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { formatLine, genesis, readHeader, receiptFiles } from '../../../src/receipts/chain.ts';
import { anyText } from '../samples.ts';

const now = new Date();

suite('a line', () => {
  test('begins with what the chain needs, whatever the record calls its fields', () => {
    const line = formatLine(genesis, now, { sequence: 99, previous: 'x', kind: 'x', time: 0, schemaVersion: 2 });
    const header = { schemaVersion: 1, sequence: 1, previous: genesis.hash, time: now.toISOString() };
    assert.equal(line, JSON.stringify({ ...header, kind: 'x' }));
  });

  test('holds any text, in printable ASCII, and gives it back', () => {
    fc.assert(
      fc.property(anyText(), anyText(), (key, value) => {
        const line = formatLine(genesis, now, { record: { [key]: value } });
        assert.match(line, /^[\x20-\x7e]+$/);
        assert.deepEqual(JSON.parse(line).record, JSON.parse(JSON.stringify({ [key]: value })));
      }),
    );
  });

  test('is a record as a whole, and in no piece', () => {
    const line = formatLine(genesis, now, { kind: 'x', text: '{"a":"}"}' }, { bytes: 3, sha256: '0'.repeat(64) });
    const torn = { bytes: 3, sha256: '0'.repeat(64) };
    assert.deepEqual(readHeader(Buffer.from(line)), { sequence: 1, previous: genesis.hash, torn });
    for (let end = 0; end < line.length; end++) assert.equal(readHeader(Buffer.from(line.slice(0, end))), undefined);
  });

  const header = { schemaVersion: 1, sequence: 1, previous: genesis.hash };
  for (const other of [
    null,
    1,
    [],
    'text',
    {},
    { ...header, schemaVersion: 2 },
    { ...header, sequence: 0 },
    { ...header, sequence: 1.5 },
    { ...header, sequence: '1' },
    { ...header, sequence: 1e300 },
    { ...header, previous: 'F'.repeat(64) },
    { ...header, previous: undefined },
    { ...header, torn: null },
    { ...header, torn: { bytes: -1, sha256: genesis.hash } },
    { ...header, torn: { bytes: 1, sha256: '' } },
  ]) {
    test(`is no record when it is ${JSON.stringify(other)}`, () => {
      assert.equal(readHeader(Buffer.from(JSON.stringify(other))), undefined);
    });
  }
});

test('files are read in the order of their numbers, the current one last, and no others', () => {
  const names = ['receipts.jsonl', 'receipts-10.jsonl', 'receipts-2.jsonl', 'receipts-02.jsonl', 'receipts-x.jsonl'];
  const others = ['lock', 'receipts-3.jsonl.gz', 'xreceipts-3.jsonl', 'receipts-0.jsonl', 'receipts-.jsonl'];
  assert.deepEqual(
    receiptFiles([...names, ...others]).map(({ name }) => name),
    ['receipts-2.jsonl', 'receipts-10.jsonl', 'receipts.jsonl'],
  );
  assert.deepEqual(receiptFiles(others), []);
});
