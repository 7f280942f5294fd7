import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { boundedLines, readPullEvent } from '../../../src/images/pull-stream.ts';
import { anyText } from '../samples.ts';

async function lines(chunks: readonly (string | Uint8Array)[], limit?: number): Promise<string[]> {
  async function* stream() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  return await all(boundedLines(stream(), limit));
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const list: string[] = [];
  for await (const line of lines) list.push(line);
  return list;
}

suite('lines', () => {
  test('come whole, however they are cut', async () => {
    assert.deepEqual(await lines(['a\nb', 'c\n', '\nd']), ['a', 'bc', '', 'd']);
    const euro = Buffer.from('€\n');
    assert.deepEqual(await lines([euro.subarray(0, 1), euro.subarray(1)]), ['€']);
    assert.deepEqual(await lines([]), []);
  });

  test('are cut when they are too long, and what follows is whole', async () => {
    assert.deepEqual(await lines(['abcdef', 'ghi', 'j\nkl\nmnop\n'], 3), ['abc', 'kl', 'mno']);
  });

  test('hold no more than they may, of a line without an end', async () => {
    async function* endless() {
      for (let i = 0; i < 2000; i++) yield Buffer.alloc(64 * 1024, 'x');
    }
    const before = process.memoryUsage().heapUsed;
    const [line] = await all(boundedLines(endless()));
    assert.equal(line?.length, 64 * 1024);
    assert.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024);
  });
});

suite('an event', () => {
  const id = '2fb2589233f7';
  for (const [what, line, event] of [
    ['a layer', { status: 'Pulling fs layer', progressDetail: {}, id }, { kind: 'layer', id, state: 'found' }],
    [
      'one that is there',
      { status: 'Already exists', progressDetail: {}, id },
      { kind: 'layer', id, state: 'present' },
    ],
    ['the end of one', { status: 'Download complete', progressDetail: {}, id }, { kind: 'layer', id, state: 'done' }],
    ['the end', { status: 'Pull complete', id }, { kind: 'layer', id, state: 'done' }],
    [
      'bytes',
      { status: 'Downloading', progressDetail: { current: 5, total: 9 }, progress: '[=>]', id },
      { kind: 'bytes', id, current: 5, total: 9 },
    ],
    [
      'bytes of an unknown number',
      { status: 'Downloading', progressDetail: { current: 5, total: -1 }, id },
      { kind: 'bytes', id, current: 5, total: 0 },
    ],
    ['bytes that are none', { status: 'Downloading', id }, { kind: 'bytes', id, current: 0, total: 0 }],
    [
      'an error of Podman 4 and 5',
      { progressDetail: {}, errorDetail: { message: 'why' }, error: 'why' },
      { kind: 'failure', message: 'why' },
    ],
    ['an error of Podman 6', { errorDetail: { message: 'why' } }, { kind: 'failure', message: 'why' }],
    [
      'an error beside progress',
      { status: 'Download complete', id, error: 'why' },
      { kind: 'failure', message: 'why' },
    ],
    ['an error that is no text', { error: { a: 1 } }, { kind: 'failure', message: '[object Object]' }],
    ['a status that nobody knows', { status: 'Dancing', id }, { kind: 'other' }],
    ['an id that is none', { status: 'Download complete', id: '\u001b[2J' }, { kind: 'other' }],
    ['no id', { status: 'Download complete' }, { kind: 'other' }],
    ['no object', 1, { kind: 'other' }],
    ['null', null, { kind: 'other' }],
  ] as const) {
    test(what, () => assert.deepEqual(readPullEvent(JSON.stringify(line)), event));
  }

  test('what is no JSON is no success', () => {
    assert.deepEqual(readPullEvent('404 page not found'), { kind: 'failure', message: 'not JSON: 404 page not found' });
  });

  test('an error that was cut still says its beginning', () => {
    const message = `denied: "\n\u001b<${'x'.repeat(99)}`;
    const line = JSON.stringify({ errorDetail: { message }, error: message }).replaceAll('<', '\\u003c');
    for (let length = 50; length < line.length; length++) {
      const event = readPullEvent(line.slice(0, length));
      assert.ok(event.kind === 'failure' && message.startsWith(event.message), JSON.stringify(event));
      assert.ok(event.message.length >= Math.min(length - 50, message.length), JSON.stringify(event));
    }
  });

  test('an error that is hardly there is one', () => {
    assert.deepEqual(readPullEvent('{"errorDetail":{"mess'), {
      kind: 'failure',
      message: 'not JSON: {"errorDetail":{"mess',
    });
  });

  test('any line is one', () => {
    fc.assert(fc.property(fc.oneof(anyText(), fc.json()), (line) => assert.ok(readPullEvent(line).kind)));
  });
});
