import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { demultiplex, FrameError, type OutputPiece } from '../../../src/podman/frames.ts';

interface Frame {
  readonly type: 0 | 1 | 2;
  readonly payload: Uint8Array;
}

function encode(type: number, payload: Uint8Array | string): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

const encodeAll = (frames: readonly Frame[]) => Buffer.concat(frames.map(({ type, payload }) => encode(type, payload)));

/** Cuts at any places; two equal ones make an empty chunk. */
async function* cut(bytes: Buffer, places: readonly number[]): AsyncGenerator<Buffer> {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

async function* chunksOf(size: number, bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<OutputPiece[]> {
  const pieces: OutputPiece[] = [];
  for await (const piece of demultiplex(source)) pieces.push(piece);
  return pieces;
}

/** Which bytes came on which stream, in which order; how they were divided into pieces does not count. */
function transcript(pieces: Iterable<{ readonly stream: string; readonly data: Uint8Array }>): string[] {
  const runs: { stream: string; hex: string }[] = [];
  for (const { stream, data } of pieces) {
    if (data.length === 0) continue;
    const last = runs.at(-1);
    const hex = Buffer.from(data).toString('hex');
    if (last?.stream === stream) last.hex += hex;
    else runs.push({ stream, hex });
  }
  return runs.map(({ stream, hex }) => `${stream} ${hex}`);
}

/** The reference: reads the whole stream from one buffer, with nothing to remember between chunks. */
function reference(bytes: Buffer): string[] {
  const pieces: { stream: string; data: Uint8Array }[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const end = offset + 8 + bytes.readUInt32BE(offset + 4);
    pieces.push({ stream: bytes[offset] === 2 ? 'stderr' : 'stdout', data: bytes.subarray(offset + 8, end) });
    offset = end;
  }
  return transcript(pieces);
}

const frame: fc.Arbitrary<Frame> = fc.record({
  type: fc.constantFrom(0 as const, 1 as const, 2 as const),
  payload: fc.uint8Array({ maxLength: 40 }),
});
const frames = fc.array(frame, { maxLength: 20 });
const places = fc.array(fc.nat(1000), { maxLength: 30 });

suite('demultiplex', () => {
  test('gives the same bytes in the same order, wherever the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(frames, places, async (sent, cuts) => {
        const bytes = encodeAll(sent);
        assert.deepEqual(transcript(await collect(cut(bytes, cuts))), reference(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('reads a source that gives one byte at a time', async () => {
    await fc.assert(
      fc.asyncProperty(frames, async (sent) => {
        const bytes = encodeAll(sent);
        assert.deepEqual(transcript(await collect(chunksOf(1, bytes))), reference(bytes));
      }),
    );
  });

  test('frames without payload say nothing, and do not change what the next ones say', async () => {
    const bytes = Buffer.concat([
      encode(1, ''),
      encode(2, ''),
      encode(1, 'a'),
      encode(2, ''),
      encode(1, 'b'),
      encode(2, ''),
    ]);
    const pieces = await collect(cut(bytes, []));
    assert.deepEqual(transcript(pieces), [`stdout ${Buffer.from('ab').toString('hex')}`]);
    assert.ok(pieces.every(({ data }) => data.length > 0));
  });

  test('no frames are no pieces', async () => {
    assert.deepEqual(await collect(cut(Buffer.alloc(0), [])), []);
  });

  test('100,000 one-byte frames in one chunk become one piece', async () => {
    const bytes = encodeAll(Array.from({ length: 100_000 }, () => ({ type: 1, payload: Buffer.from('x') })));
    const pieces = await collect(cut(bytes, []));
    assert.equal(pieces.length, 1);
    assert.equal(pieces[0]?.data.length, 100_000);
  });

  test('20,000 one-byte frames that change the stream each time keep their order', async () => {
    const bytes = encodeAll(
      Array.from({ length: 20_000 }, (_, index) => ({ type: index % 2 === 0 ? 1 : 2, payload: Buffer.from([index]) })),
    );
    const pieces = await collect(cut(bytes, []));
    assert.equal(pieces.length, 20_000);
    assert.ok(pieces.every(({ data }, index) => data[0] === index % 256));
  });

  test('a large frame is passed through as it arrives, without a copy', async () => {
    const chunkSize = 64 * 1024;
    const bytes = encode(1, Buffer.alloc(10 * 1024 * 1024, 'x'));
    let current = Buffer.alloc(0);
    async function* arriving() {
      for await (const chunk of chunksOf(chunkSize, bytes)) {
        // A buffer of its own for each chunk, as a socket gives.
        current = Buffer.from(Uint8Array.from(chunk).buffer);
        yield current;
      }
    }
    let total = 0;
    for await (const { data } of demultiplex(arriving())) {
      assert.ok(data.length <= chunkSize);
      assert.equal(data.buffer, current.buffer, 'the piece is the chunk itself, not a copy');
      total += data.length;
    }
    assert.equal(total, 10 * 1024 * 1024);
  });

  test('reads nothing more before the piece before was taken', async () => {
    let pulled = 0;
    async function* source() {
      for (let index = 0; index < 10; index++) {
        pulled++;
        yield encode(1, `${index}`);
      }
    }
    const pieces = demultiplex(source());
    assert.equal(pulled, 0, 'nothing is read before anybody asks');
    for (let index = 0; index < 10; index++) {
      await pieces.next();
      await new Promise(setImmediate);
      assert.equal(pulled, index + 1);
    }
  });

  test('a consumer that leaves ends the source', async () => {
    let ended = false;
    async function* source() {
      try {
        for (;;) yield encode(1, 'x');
      } finally {
        ended = true;
      }
    }
    for await (const _ of demultiplex(source())) break;
    assert.ok(ended);
  });

  test("an error of the source is the consumer's, after what came before it", async () => {
    async function* source() {
      yield encode(1, 'before');
      throw new Error('socket hang up');
    }
    const pieces = demultiplex(source());
    assert.equal(String((await pieces.next()).value?.data), 'before');
    await assert.rejects(pieces.next(), /socket hang up/);
  });
});

suite('demultiplex refuses', () => {
  test('a stream that ends inside a frame, and only such a stream', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { minLength: 1, maxLength: 5 }),
        fc.nat(1000),
        places,
        async (sent, at, cuts) => {
          const whole = encodeAll(sent);
          const end = at % (whole.length + 1);
          const boundaries = sent.map((_, index) => encodeAll(sent.slice(0, index + 1)).length);
          const pieces = collect(cut(whole.subarray(0, end), cuts));
          if (end === 0 || boundaries.includes(end)) await pieces;
          else await assert.rejects(pieces, FrameError);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('but not before it passed on what came until then', async () => {
    const pieces = demultiplex(cut(encode(2, 'cut off').subarray(0, -1), []));
    assert.equal(String((await pieces.next()).value?.data), 'cut of');
    await assert.rejects(pieces.next(), FrameError);
  });

  for (const [name, header] of Object.entries({
    'an unknown type': [4, 0, 0, 0, 0, 0, 0, 0],
    'the highest type': [255, 0, 0, 0, 0, 0, 0, 0],
    'padding in the first place': [1, 1, 0, 0, 0, 0, 0, 0],
    'padding in the second place': [1, 0, 1, 0, 0, 0, 0, 0],
    'padding in the third place': [1, 0, 0, 1, 0, 0, 0, 0],
    'plain text': [...Buffer.from('HTTP/1.1')],
  })) {
    test(`a header with ${name}`, async () => {
      await assert.rejects(collect(cut(Buffer.from(header), [])), FrameError);
      await assert.rejects(collect(chunksOf(1, Buffer.concat([encode(1, 'x'), Buffer.from(header)]))), FrameError);
    });
  }

  test("Podman's own error frame, with its message, shortened", async () => {
    await assert.rejects(collect(cut(encode(3, 'no such exec session'), [])), {
      name: 'FrameError',
      message: 'Podman reported: no such exec session',
    });
    await assert.rejects(
      collect(cut(encode(3, 'x'.repeat(100_000)), [])),
      (error: Error) => error.message.length < 600,
    );
  });

  test('an error frame, but not before it passed on what came in the same chunk', async () => {
    const pieces = demultiplex(cut(Buffer.concat([encode(1, 'last words'), encode(3, 'broken')]), []));
    assert.equal(String((await pieces.next()).value?.data), 'last words');
    await assert.rejects(pieces.next(), FrameError);
  });

  test('an error frame without a message', async () => {
    await assert.rejects(collect(cut(Buffer.concat([encode(3, ''), encode(1, 'x')]), [])), FrameError);
  });
});
