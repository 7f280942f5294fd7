import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { BulkheadError } from '../../../src/errors.ts';
import type { OutputPiece } from '../../../src/podman/frames.ts';
import { describeBytes } from '../../../src/runner/describe-bytes.ts';
import { limitOutput } from '../../../src/runner/output-limit.ts';

/** Sends pieces through; tells what came out, and when the limit was called. */
async function send(limit: number | null, pieces: readonly OutputPiece[]) {
  const out = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const errors: BulkheadError[] = [];
  let writtenAtEnd = -1;
  const written = () => [...out.stdout, ...out.stderr].reduce((sum, piece) => sum + piece.length, 0);
  const onOutput = limitOutput(
    limit,
    'policy "p"',
    (error) => {
      errors.push(error);
      writtenAtEnd = written();
    },
    async (stream, data) => {
      out[stream].push(Buffer.from(data));
    },
  );
  for (const piece of pieces) await onOutput(piece);
  return {
    stdout: Buffer.concat(out.stdout).toString('latin1'),
    stderr: Buffer.concat(out.stderr).toString('latin1'),
    errors,
    writtenAtEnd,
  };
}

const piece = (text: string, stream: OutputPiece['stream'] = 'stdout'): OutputPiece => ({
  stream,
  data: Buffer.from(text, 'latin1'),
});
const cut = (size: string) => `\nbulkhead: output cut here, after ${size} (limits.log of policy "p")\n`;

suite('limits.log', () => {
  test('lets everything through when there is none', async () => {
    const { stdout, stderr, errors } = await send(null, [piece('a'), piece('b', 'stderr'), piece('c')]);
    assert.deepEqual([stdout, stderr, errors], ['ac', 'b', []]);
  });

  test('lets through what just fits', async () => {
    const { stdout, stderr, errors } = await send(4, [piece('ab'), piece('', 'stderr'), piece('cd', 'stderr')]);
    assert.deepEqual([stdout, stderr, errors], ['ab', 'cd', []]);
  });

  test('cuts in the middle of a piece, says so, and drops the rest of both streams', async () => {
    const { stdout, stderr, errors } = await send(4, [
      piece('ab'),
      piece('cdef', 'stderr'),
      piece('gh'),
      piece('i', 'stderr'),
    ]);
    assert.deepEqual([stdout, stderr], ['ab', `cd${cut('4B')}`]);
    assert.deepEqual(
      errors.map(({ code, message }) => [code, message]),
      [['limit-log-exceeded', 'the stage wrote more than 4B of output, which is limits.log of policy "p"']],
    );
  });

  test('ends the stage before it waits for the reader of the log', async () => {
    assert.equal((await send(4, [piece('ab'), piece('cdef')])).writtenAtEnd, 2);
  });

  test('allows no output at all, when it is 0', async () => {
    assert.equal((await send(0, [piece(''), piece('x')])).stdout, cut('0B'));
  });

  test('whatever comes, in whatever pieces: the first bytes arrive, and no more', async () => {
    const pieces = fc.array(
      fc.record({
        stream: fc.constantFrom('stdout', 'stderr'),
        data: fc.uint8Array({ maxLength: 20 }),
      }) as fc.Arbitrary<OutputPiece>,
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat({ max: 100 }), async (list, limit) => {
        const { stdout, stderr, errors } = await send(limit, list);
        const total = list.reduce((sum, { data }) => sum + data.length, 0);
        assert.equal(errors.length, total > limit ? 1 : 0);
        const said = total > limit ? cut(`${limit}B`).length : 0;
        assert.equal(stdout.length + stderr.length - said, Math.min(total, limit));
      }),
      { numRuns: 50 },
    );
  });

  test('reads what is left slowly: a flood gets no more than a part of one core', async () => {
    const pieces = Array.from({ length: 40_000 }, () => piece('x'.repeat(100)));
    const before = process.cpuUsage();
    const started = performance.now();
    await send(1, pieces.slice(0, 2));
    const onOutput = limitOutput(
      1,
      'p',
      () => {},
      async () => {},
    );
    let taken = 0;
    await onOutput(piece('xx'));
    while (performance.now() - started < 400) {
      await onOutput(piece('x'));
      taken++;
    }
    const { user, system } = process.cpuUsage(before);
    assert.ok((user + system) / 1000 < 200, `${(user + system) / 1000} ms of processor time in 400`);
    assert.ok(taken > 20, 'but it is read');
  });
});

test('bytes for people', () => {
  assert.deepEqual(
    [0, 1023, 1024, 1536, 1024 ** 2 - 1, 150 * 1024 ** 2, 1.26 * 1024 ** 3, 5000 * 1024 ** 4].map(describeBytes),
    ['0B', '1023B', '1KiB', '1.5KiB', '1MiB', '150MiB', '1.3GiB', '5000TiB'],
  );
});
