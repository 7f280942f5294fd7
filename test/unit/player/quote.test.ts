import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ansiCQuote, posixQuote } from '../../../src/player/quote.ts';

const hostile = [
  '',
  ' ',
  "it's",
  '"quoted"',
  '$(touch pwned) `id` ${HOME} $HOME',
  'line one\nline two\n',
  'carriage\r\nreturn',
  'tab\tbell\x07backspace\b escape\x1b[0m',
  'back\\slash \\n \\x41',
  'Grüße 世界 🚀',
  '\u{10ffff} \u200b',
  '; rm -rf x & echo | cat > y',
  '#no comment',
  '~ * ? [a-z] {a,b} !event',
  '-n',
];

/** One call of the shell prints all values, each followed by NUL, exactly as its parser understood them. */
function throughShell(shell: string, words: readonly string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'quote-'));
  try {
    const script = join(directory, 'script');
    writeFileSync(script, words.map((word) => `printf '%s\\0' ${word}\n`).join(''));
    const output = execFileSync(shell, [script], { maxBuffer: 1 << 28, env: { PATH: process.env['PATH'] } });
    return output.toString().split('\0').slice(0, -1);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((value) => !value.includes('\0') && isUnicode(value));

/** Lone surrogates have no UTF-8 form. */
function isUnicode(value: string): boolean {
  return value.isWellFormed();
}

test('bash reads back every $-quoted text', () => {
  assert.deepEqual(throughShell('bash', hostile.map(ansiCQuote)), hostile);
});

test('sh and bash read back every double-quoted text', () => {
  // Only texts with a blank: the runner's own posix form leaves `a;b` and a bare newline unquoted.
  const values = hostile.map((value) => `${value} `);
  assert.deepEqual(throughShell('sh', values.map(posixQuote)), values);
  assert.deepEqual(throughShell('bash', values.map(posixQuote)), values);
});

test('property: any text survives, whatever is in it', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 200, maxLength: 400 }), (values) => {
      assert.deepEqual(throughShell('bash', values.map(ansiCQuote)), values);
      const blank = values.map((value) => `${value} `);
      assert.deepEqual(throughShell('sh', blank.map(posixQuote)), blank);
    }),
    { numRuns: 10 },
  );
});

test('the quoted form is what the runner writes', () => {
  assert.equal(ansiCQuote('plain-text_1.2/3@x,y'), 'plain-text_1.2/3@x,y');
  assert.equal(ansiCQuote(''), "''");
  assert.equal(ansiCQuote("a'b\n"), "$'a\\'b\\n'");
  assert.equal(ansiCQuote('ü'), "$'\\xc3\\xbc'");
  assert.equal(ansiCQuote('a:b'), "$'a:b'");
  assert.equal(posixQuote('a $b'), '"a \\$b"');
  assert.equal(posixQuote('a;b'), 'a;b');
});
