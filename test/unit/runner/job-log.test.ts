import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { BulkheadError, errorCodes } from '../../../src/errors.ts';
import { describeFailure, escapeForeign } from '../../../src/runner/job-log.ts';
import { anyLatinText, anyText } from '../samples.ts';

/** What Unicode itself calls control, bidirectional control, line separator or paragraph separator. */
const dangerous = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

suite('foreign text', () => {
  for (const [what, text, shown] of [
    ['plain text', 'debian:12 is fine, é and 漢字 and 🙂 too', 'debian:12 is fine, é and 漢字 and 🙂 too'],
    ['a newline that would forge a line', 'x\nbulkhead: ERROR', 'x\\x0abulkhead: ERROR'],
    ['a carriage return that would overwrite one', 'evil\rgood', 'evil\\x0dgood'],
    ['a backspace', 'evil\b\b', 'evil\\x08\\x08'],
    ['a colour', '\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
    ['a title that a terminal would take', '\x1b]0;title\x07', '\\x1b]0;title\\x07'],
    ['the one-byte form of the same', '\u009b31m', '\\x9b31m'],
    ["GitLab's section marker", 'section_start:1:x\r\x1b[0K', 'section_start:1:x\\x0d\\x1b[0K'],
    ['a NUL', 'a\0b', 'a\\x00b'],
    ['a tab', 'a\tb', 'a\\x09b'],
    ['delete', 'a\x7fb', 'a\\x7fb'],
    ['a new line of the other kind', 'a\u0085b', 'a\\x85b'],
    ['a line separator', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
    ['right-to-left override', 'a\u202egpj.exe', 'a\\u202egpj.exe'],
    ['an isolate', '\u2066a\u2069', '\\u2066a\\u2069'],
    ['direction marks', '\u200e\u200f\u061c', '\\u200e\\u200f\\u061c'],
  ] as const) {
    test(`${what} is shown`, () => assert.equal(escapeForeign(text), shown));
  }

  test('can neither move the cursor nor begin a line, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(anyText({ maxLength: 600 }), anyLatinText({ maxLength: 600 })), (text) => {
        assert.doesNotMatch(escapeForeign(text), dangerous);
      }),
      { numRuns: 500 },
    );
    const everyCharacter = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
    assert.deepEqual(
      everyCharacter.filter((character) => dangerous.test(escapeForeign(character))),
      [],
    );
  });

  test('stays as it is when it can do neither', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 100 }), (text) => {
        fc.pre(!dangerous.test(text));
        assert.equal(escapeForeign(text), text);
      }),
    );
  });

  test('that is too long is cut, and says so', () => {
    assert.equal(escapeForeign('x'.repeat(500)), 'x'.repeat(500));
    assert.equal(escapeForeign('x'.repeat(501)), `${'x'.repeat(500)}… (501 characters)`);
    assert.equal(escapeForeign('abc', 2), 'ab… (3 characters)');
    assert.ok(escapeForeign('\x1b'.repeat(1_000_000)).length < 3000);
  });
});

suite('a failure', () => {
  test('says what, how to fix it, whose turn it is, and where to read more', () => {
    assert.equal(
      describeFailure(new BulkheadError('image-not-found', 'image x does not exist', 'Check the name.')),
      'bulkhead: ERROR: image x does not exist\n' +
        'bulkhead: Fix: Check the name.\n' +
        'bulkhead: (image-not-found: the job cannot run like this; docs/errors.md#image-not-found)',
    );
  });

  test('of a canceled job is no failure', () => {
    const text = describeFailure(new BulkheadError('terminated', 'it was ended', 'Nothing to fix.'));
    assert.equal(text, 'bulkhead: it was ended (terminated)');
  });

  for (const [code, blame] of Object.entries(errorCodes)) {
    if (code === 'terminated') continue;
    test(`${code} ${blame === 'job' ? 'says that the job must change' : 'does not blame the job'}`, () => {
      const text = describeFailure(new BulkheadError(code as keyof typeof errorCodes, 'what', 'hint'));
      assert.equal(text.includes("not the job's fault"), blame !== 'job');
      assert.ok(text.endsWith(`docs/errors.md#${code})`));
    });
  }

  test('has three lines, all of them ours, whatever was put into it', () => {
    fc.assert(
      fc.property(anyText(), anyLatinText(), (message, hint) => {
        const lines = describeFailure(new BulkheadError('image-not-found', message, hint)).split('\n');
        assert.equal(lines.length, 3);
        for (const line of lines) {
          assert.ok(line.startsWith('bulkhead: '));
          assert.doesNotMatch(line, dangerous);
        }
      }),
    );
  });
});
