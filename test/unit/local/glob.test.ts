import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { compileGlob, pathOf } from '../../../src/local/glob.ts';

const enough = 100_000;
const matches = (glob: string, path: string, below = false) => compileGlob(glob, below, { left: enough })(pathOf(path));

suite('a glob', () => {
  for (const [glob, yes, no] of [
    ['a', ['a'], ['b', 'aa', 'a/b', 'A']],
    ['*', ['a', '.a'], ['a/b']],
    ['*c', ['c', 'abc', '.c'], ['cd', 'a/c']],
    ['a*b*c', ['abc', 'axbxxc', 'abcbc'], ['ab', 'acb', 'a/b/c']],
    ['a?c', ['abc', 'a☺c', 'a😀c'], ['ac', 'a/c', 'abbc']],
    ['dist/*', ['dist/a', 'dist/.env'], ['dist', 'dist/a/b']],
    ['dist/**/*', ['dist/a', 'dist/.well-known/a', 'dist/a/.b'], ['dist', 'dists/a']],
    ['a/**', ['a/b', 'a/b/c', 'a/.b'], ['a', 'ab/c']],
    ['**', ['a', 'a/b', '.a/.b'], []],
    ['**/c', ['c', 'a/c', 'a/b/c'], ['abc', 'c/a']],
    ['a/**/b/*/c', ['a/b/x/c', 'a/x/y/b/z/c', 'a/b/b/b/c'], ['a/b/c', 'a/x/c']],
    ['a/**/**/b', ['a/b', 'a/x/y/b'], ['b']],
    // Not a whole name, so no folders.
    ['**.c', ['a.c', '.c'], ['a/b.c']],
    ['a**/b', ['a/b', 'ax/b'], ['a/x/b']],
    ['***', ['a'], ['a/b']],
    ['[a-cx]', ['a', 'b', 'x'], ['d', '-', 'aa']],
    ['[!a-c]', ['d', '-', '!', '😀'], ['a', 'b', '/']],
    ['[^a]b', ['bb'], ['ab', 'b', '/b']],
    ['[-x]', ['-', 'x'], ['y']],
    ['[x-]', ['-', 'x'], ['y']],
    ['[a\\-z]', ['a', '-', 'z'], ['b', '\\']],
    ['[\\]\\\\]', [']', '\\'], ['[']],
    ['[a-ζ]', ['α'], ['A']],
    ['[{,}]*', ['{a', ','], ['a']],
    ['*.{c,h}', ['a.c', '.h'], ['a.', 'a.ch', 'a.{c,h}']],
    ['{a,b/c}/d', ['a/d', 'b/c/d'], ['b/d', 'a/c/d']],
    ['a{,b{1,2}}', ['a', 'ab1', 'ab2'], ['ab', 'a1']],
    ['{a,**}/b', ['b', 'a/b', 'x/y/b'], ['ab']],
    ['{a}', ['a'], ['{a}']],
    ['{,a}', ['a'], ['b']],
    ['{[,],x}', [',', 'x'], ['[']],
    ['a,b', ['a,b'], ['a', 'b']],
    ['\\*\\{a\\}', ['*{a}'], ['x{a}', '\\*{a}']],
    ['a\\/b', ['a/b'], ['a\\/b']],
    ['.*+(x)^$|', ['.a+(x)^$|'], ['xx']],
    ['./a//b/../c', ['a/c'], ['a/b', 'c']],
    ['../a', [], ['a']],
    ['/a', [], ['a']],
    ['/', [], ['a']],
    ['.', [], ['a']],
  ] as const) {
    test(`is ${glob}`, () => {
      for (const path of yes) assert.equal(matches(glob, path), true, `it does not match ${path}`);
      for (const path of no) assert.equal(matches(glob, path), false, `it matches ${path}`);
    });
  }

  test('stands for what is below, where that is wanted', () => {
    for (const glob of ['a', 'a/', './a', '*', '**', 'a/**', '{a,}', 'a/b', 'a/{b,}']) {
      assert.equal(matches(glob, 'a/b/c', true), true, glob);
    }
    for (const glob of ['b', 'a/c', '**/x', '{x,}', '/', '../a']) {
      assert.equal(matches(glob, 'a/b/c', true), false, glob);
    }
    assert.equal(matches('.', 'a/b', true), true);
    assert.equal(matches('a/**', 'a', true), false);
  });

  for (const [glob, why] of [
    ['{a,b', /^the glob "\{a,b" has a \{ that no \} ends$/],
    ['a}', /has a \} without a \{/],
    ['[a', /has a \[ that no \] ends/],
    ['a[]b]', /has a \[ that no \] ends, or nothing in it/],
    ['[!]', /nothing in it/],
    ['[a/b]', /has a \[/],
    ['a\\', /ends with a \\/],
    ['{a,b}'.repeat(7), /stands for more than 64 alternatives/],
    ['{a,b}'.repeat(200), /stands for more than 64 alternatives/],
    [`{${'{'.repeat(20)}${',a}'.repeat(20)},${'b,'.repeat(64)}}`, /stands for more than 64 alternatives/],
    ['a'.repeat(1025), /^the glob "a{100}…" is longer than 1024 characters$/],
  ] as const) {
    test(`is not ${glob.slice(0, 30)}`, () => {
      assert.throws(() => compileGlob(glob, false, { left: enough }), { message: why });
    });
  }

  test('may have 64 alternatives', () => {
    assert.equal(matches('{a,b}'.repeat(6), 'bababa'), true);
  });

  test('is compared in no more steps than its length times that of the path', () => {
    for (const [glob, path] of [
      [`${'*a'.repeat(100)}b*`, 'a'.repeat(250)],
      [`*${'a'.repeat(100)}b*`, 'a'.repeat(250)],
      [`${'**/a/'.repeat(100)}b/**`, 'a/'.repeat(200)],
      [`${'**/*a*a/'.repeat(60)}b/**`, 'aaaa/'.repeat(100)],
    ] as const) {
      const work = { left: glob.length * path.length };
      assert.equal(compileGlob(glob, true, work)(pathOf(path)), false);
    }
  });

  test('is no longer compared when there is no work left', () => {
    assert.throws(() => compileGlob('*a*', false, { left: 3 })(pathOf('bbbbbb')), /too many files and globs/);
    // A class is as many comparisons as it has members.
    assert.throws(() => compileGlob(`*[${'a-b'.repeat(20)}]*`, false, { left: 40 })(pathOf('cccc')), /too many/);
  });

  test('of stars, letters and folders matches what a regular expression does', () => {
    const part = fc.constantFrom('a', 'b', '*', '?', '/', '**/');
    const globs = fc.array(part, { maxLength: 8 }).map((parts) => `x${parts.join('')}x`.replace(/\/+/g, '/'));
    const paths = fc
      .array(fc.constantFrom('a', 'b', 'x', '/'), { maxLength: 10 })
      .map((parts) => `x${parts.join('')}x`);
    fc.assert(
      fc.property(globs, paths, (glob, path) => {
        if (path.includes('//')) return;
        const source = glob.replace(/(?<=\/)\*\*\/|\*+|\?/g, (found) =>
          found === '**/' ? '(?:[^/]+/)*' : found === '?' ? '[^/]' : '[^/]*',
        );
        assert.equal(matches(glob, path), new RegExp(`^${source}$`).test(path), `${glob} ${path}`);
      }),
      { numRuns: 3000 },
    );
  });
});
