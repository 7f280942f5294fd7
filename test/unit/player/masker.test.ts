import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { Masker } from '../../../src/player/masker.ts';
import { Trace } from '../../../src/player/trace.ts';

function masked(phrases: string[], chunks: string[]): string {
  const masker = new Masker(phrases);
  return Buffer.concat([...chunks.map((chunk) => masker.write(Buffer.from(chunk))), masker.end()]).toString();
}

test('phrases are masked, also across chunks; the longest first', () => {
  assert.equal(masked(['secret'], ['a sec', 'ret b']), 'a [MASKED] b');
  assert.equal(masked(['abc', 'abcdef'], ['abc', 'def abcx']), '[MASKED] [MASKED]x');
  assert.equal(masked(['secret'], ['no sec']), 'no sec');
  assert.equal(masked(['', 'x'], ['x']), '[MASKED]');
});

test('property: where the text is cut makes no difference', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 });
  const phrases = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 }), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(letters, phrases, fc.nat(30), (text, secrets, cut) => {
      assert.equal(masked(secrets, [text.slice(0, cut), text.slice(cut)]), masked(secrets, [text]));
    }),
  );
});

test('the log is cut at its limit, once, with a notice', () => {
  const trace = new Trace({ limit: 4 });
  const stream = trace.stream();
  for (const chunk of ['ab', 'cdef', 'gh']) stream.write(Buffer.from(chunk));
  stream.end();
  assert.match(stripVTControlCharacters(trace.text), /^abcd\nJob's log exceeded limit of 4 bytes\.\n.*collected\.\n$/);
});
