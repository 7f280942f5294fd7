import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { expand } from '../../../src/runner/expand.ts';

const values: Record<string, string> = { A: 'one', AB: 'two', B: '$A', '-': 'dash' };
const of = (text: string) => expand(text, (name) => values[name] ?? '');

suite('variables are expanded as by Go', () => {
  for (const [text, expected] of [
    ['$A', 'one'],
    ['${A}B', 'oneB'],
    ['$AB', 'two'],
    ['$A-$A', 'one-one'],
    ['$B', '$A'],
    ['$NONE.', '.'],
    ['$$A', '$A'],
    ['${$}A', '$A'],
    ['$1$@$*A', 'A'],
    ['$-', 'dash'],
    ['a$', 'a$'],
    ['$ A $.', '$ A $.'],
    ['${}A', 'A'],
    ['${A', 'A'],
    ['${A B}', ''],
    ['%A%', '%A%'],
  ] as const) {
    test(JSON.stringify(text), () => assert.equal(of(text), expected));
  }
});
