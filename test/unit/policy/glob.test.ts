import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { compileGlob, globProblem } from '../../../src/policy/glob.ts';
import { findNameOutside } from '../../../src/policy/glob-cover.ts';
import { anyText } from '../samples.ts';

const table: Record<string, { yes: string[]; no: string[] }> = {
  'group/project': { yes: ['group/project'], no: ['group/project2', 'xgroup/project', 'group/project/x', 'group'] },
  'group/*': {
    yes: ['group/a', 'group/.hidden', 'group/-a'],
    no: ['group/a/b', 'group/', 'group', 'group-evil/a', 'a/group/b', 'GROUP/a'],
  },
  'group/**': { yes: ['group/a', 'group/a/b/c'], no: ['group', 'group/', 'group-evil/a', 'evil/group/a', 'groupa'] },
  '**': { yes: ['a', 'a/b', 'a/b/c'], no: ['', 'a/'] },
  '**/app': { yes: ['app', 'a/app', 'a/b/app'], no: ['myapp', 'a/app/b'] },
  'a/**/b': { yes: ['a/b', 'a/x/b', 'a/x/y/b'], no: ['a/b/c', 'ab', 'a/xb'] },
  '*/**': { yes: ['a/b', 'a/b/c'], no: ['a'] },
  'a?c': { yes: ['abc', 'a.c'], no: ['ac', 'a/c', 'abbc'] },
  'CI_DEBUG_*': { yes: ['CI_DEBUG_TRACE', 'CI_DEBUG_'], no: ['XCI_DEBUG_TRACE', 'ci_debug_trace'] },
  '*.*': { yes: ['a.b', 'a.'], no: ['ab'] },
};

suite('a glob', () => {
  for (const [glob, { yes, no }] of Object.entries(table)) {
    for (const text of yes) test(`${glob} matches ${text}`, () => assert.equal(compileGlob(glob)(text), true));
    for (const text of no) {
      test(`${glob} does not match ${JSON.stringify(text)}`, () => assert.equal(compileGlob(glob)(text), false));
    }
  }

  test('knows no other wildcards than its own', () => {
    for (const glob of ['{a,b}', '[ab]', '!a', '@(a|b)', '+(a)', 'a\\b', 'a b', '(a)', '^a', 'a$', 'é', 'a\n']) {
      assert.match(globProblem(glob) ?? '', /letters, digits/, glob);
    }
  });

  for (const glob of [
    '',
    '/a',
    'a/',
    'a//b',
    '**a',
    'a**',
    'a/**b/c',
    '***',
    '.',
    './a',
    'a/../b',
    'a/**/**',
    '**/**/a',
  ]) {
    test(`${JSON.stringify(glob)} is a mistake`, () => assert.notEqual(globProblem(glob), undefined));
  }

  test('takes letters as they are, unless it is told not to', () => {
    assert.equal(compileGlob('Group/*')('group/a'), false);
    assert.equal(compileGlob('Group/*', true)('gROUP/a'), true);
    // Lower-cases to k.
    assert.equal(compileGlob('k', true)('\u212A'), false);
  });
});

const part = fc.oneof(
  fc.constant('**'),
  fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', '*', '?', '_'), minLength: 1, maxLength: 5 }),
);
const globs = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
  .filter((glob) => globProblem(glob) === undefined);
const names = fc
  .array(fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', '_', 'z'), minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  })
  // No name has such parts, and wildcards leave them alone.
  .filter((parts) => parts.every((one) => !/^\.+$/.test(one)))
  .map((parts) => parts.join('/'));

/** What the words in glob.ts say, written as plainly as they are. */
function oracle(glob: string, text: string): boolean {
  const inPart = (wanted: string, have: string): boolean => {
    if (wanted === '') return have === '';
    if (wanted.startsWith('*')) return inPart(wanted.slice(1), have) || (have !== '' && inPart(wanted, have.slice(1)));
    return have !== '' && (wanted[0] === '?' || wanted[0] === have[0]) && inPart(wanted.slice(1), have.slice(1));
  };
  const inParts = ([first, ...rest]: string[], have: string[]): boolean => {
    if (first === undefined) return have.length === 0;
    const [head = '', ...tail] = have;
    if (first === '**') {
      if (rest.length === 0) return have.length > 0;
      return inParts(rest, have) || (have.length > 0 && inParts([first, ...rest], tail));
    }
    return have.length > 0 && inPart(first, head) && inParts(rest, tail);
  };
  return inParts(glob.split('/'), text.split('/'));
}

suite('a hostile name costs no time', () => {
  for (const [glob, name] of [
    ['*a*a*a*b', 'a'.repeat(100_000)],
    [`${'*a'.repeat(30)}b`, 'a'.repeat(20_000)],
    ['**/a/**/a/**/b', 'a/'.repeat(20_000)],
    ['**/*a*a*b/**/c', `${'a'.repeat(50)}/`.repeat(2000)],
  ] as const) {
    test(glob, () => {
      const start = performance.now();
      assert.equal(compileGlob(glob)(name), false);
      assert.ok(performance.now() - start < 1000);
    });
  }
});

suite('for any glob', () => {
  test('the answer is that of the words', () => {
    fc.assert(
      fc.property(globs, names, (glob, name) => assert.equal(compileGlob(glob)(name), oracle(glob, name))),
      { numRuns: 20_000 },
    );
  });

  test('a problem, or a glob that compiles', () => {
    fc.assert(
      fc.property(anyText(), anyText(), (glob, text) => {
        if (globProblem(glob) === undefined) assert.equal(typeof compileGlob(glob)(text), 'boolean');
      }),
    );
  });
});

suite('whether globs cover another', () => {
  for (const [glob, others, covered] of [
    ['group/a', ['group/*'], true],
    ['group/a', ['group/**'], true],
    ['group/*', ['group/**'], true],
    ['group/**', ['group/*'], false],
    ['group/**', ['group/*', 'group/*/**'], true],
    ['group/**', ['**'], true],
    ['**', ['*/**'], true],
    ['group-evil/a', ['group/**'], false],
    ['group*/a', ['group/**'], false],
    ['a?', ['a*'], true],
    ['a*', ['a?', 'a??*'], false],
    ['a*', ['a', 'a?', 'a??*'], true],
    ['a*/x', ['a/x', 'a?/x', 'a??*/x'], true],
  ] as const) {
    test(`${others.join(' and ')} ${covered ? 'cover' : 'do not cover'} ${glob}`, () => {
      assert.equal(findNameOutside(glob, others, glob.includes('/') || glob === '**' ? 2 : 1) === undefined, covered);
    });
  }

  test('says so with a name, or is right about all names', () => {
    const tried = fc.sample(names, { numRuns: 1000, seed: 1 });
    fc.assert(
      fc.property(globs, fc.array(globs, { maxLength: 2 }), (glob, others) => {
        const outside = findNameOutside(glob, others);
        if (outside === 'undecided') return;
        const isOutside = (name: string) => oracle(glob, name) && !others.some((other) => oracle(other, name));
        if (outside !== undefined) assert.ok(isOutside(outside.name), outside.name);
        else assert.deepEqual(tried.filter(isOutside), []);
      }),
      { numRuns: 500 },
    );
  });

  test('gives up rather than take for ever', () => {
    const start = performance.now();
    findNameOutside(`**/${'*a'.repeat(12)}/**`, [`**/${'?*b*a'.repeat(8)}/**`, `**/${'*a?'.repeat(9)}/**`], 2);
    assert.ok(performance.now() - start < 5000);
  });
});
