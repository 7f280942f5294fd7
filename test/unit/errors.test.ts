import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { BulkheadError, type ErrorCode, errorCodes, toBulkheadError } from '../../src/errors.ts';

const codes = Object.keys(errorCodes) as ErrorCode[];

/** docs/errors.md: heading → its lines, joined. */
const sections = new Map(
  readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end).trim(), section.slice(end)] as const;
    }),
);

suite('docs/errors.md', () => {
  test('documents what there is, in the same order, and nothing else', () => {
    assert.deepEqual([...sections.keys()], codes);
  });

  for (const code of codes) {
    test(`${code}: what, why, fix, whose turn, and the exit that the code really has`, () => {
      const text = sections.get(code) ?? '';
      const fact = (name: string) =>
        new RegExp(`^- \\*\\*${name}:\\*\\* (\\S[\\s\\S]*?)$(?!\\n {2})`, 'm').exec(text)?.[1];
      for (const name of ['What', 'Why', 'Fix', 'Turn', 'Exit']) {
        assert.ok((fact(name) ?? '').length > 5, `says "- **${name}:** …"`);
      }
      assert.deepEqual(
        [...text.matchAll(/^- \*\*(\w+):/gm)].map(([, name]) => name),
        ['What', 'Why', 'Fix', 'Turn', 'Exit'],
      );
      const blame = errorCodes[code];
      if (blame === 'job') assert.match(fact('Turn') ?? '', /job author/);
      if (blame === 'operator') assert.match(fact('Turn') ?? '', /operator/);
      assert.match(fact('Exit') ?? '', blame === 'job' ? /^build failure/ : /^system failure/);
    });
  }
});

suite('an error', () => {
  for (const code of codes) {
    test(`${code} blames whom its code blames`, () => {
      const error = new BulkheadError(code, 'what', 'hint', { cause: 'why' });
      assert.equal(error.blame, errorCodes[code]);
      assert.deepEqual([error.message, error.hint, error.cause], ['what', 'hint', 'why']);
    });
  }

  test('of ours stays itself', () => {
    const error = new BulkheadError('image-not-found', 'what', 'hint');
    assert.equal(toBulkheadError(error), error);
  });

  for (const [what, thrown] of [
    ['an error', new TypeError('x is not a function')],
    ['an error of the system', Object.assign(new Error('EACCES'), { code: 'image-not-found' })],
    ['one that dresses up as ours', { name: 'BulkheadError', code: 'image-not-found', blame: 'job', message: 'x' }],
    ['text', 'image-not-found'],
    ['nothing', undefined],
    ['null', null],
    ['a number', 1],
  ] as const) {
    test(`that is unknown blames the system: ${what}`, () => {
      const error = toBulkheadError(thrown);
      assert.ok(error instanceof BulkheadError);
      assert.equal(error.code, 'internal-error');
      assert.equal(error.blame, 'system');
      assert.equal(error.cause, thrown);
    });
  }
});
