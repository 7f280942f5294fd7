import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { LogBudget, printableLines } from '../../../src/services/log-lines.ts';

suite('lines of a service in the job log', () => {
  test('have its name before each', () => {
    assert.equal(
      printableLines('db', ['1Z a', '2Z ', '3Z c\td\r']),
      '[service:db] 1Z a\n[service:db] 2Z \n[service:db] 3Z c\td\n',
    );
    assert.equal(printableLines('db', []), '');
  });

  test('cannot move the cursor, or look like one of ours', () => {
    assert.equal(
      printableLines('db', ['1Z \u001b[2J\rbulkhead: ERROR\u001b[0Ksection_end:1:x\r\u202e']),
      '[service:db] 1Z \\x1b[2J\\x0dbulkhead: ERROR\\x1b[0Ksection_end:1:x\\x0d\\u202e\n',
    );
  });

  test('are the last of many, and how many are left out', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}`);
    const text = printableLines('db', lines, 1000);
    assert.ok(text.length < 1100, `${text.length}`);
    assert.match(text, /^\[service:db\] \(9\d\d lines left out\)\n/);
    assert.match(text, /\n\[service:db\] line 999\n$/);
    const left = Number(/(\d+) lines/.exec(text)?.[1]);
    assert.equal(left + text.trim().split('\n').length - 1, 1000);
  });

  test('are cut where one is too long', () => {
    assert.equal(printableLines('db', ['x'.repeat(1000)], 20), `[service:db] ${'x'.repeat(7)}…\n`);
    assert.equal(
      printableLines('db', ['a', 'x'.repeat(1000)], 20),
      `[service:db] (1 line left out)\n[service:db] ${'x'.repeat(7)}…\n`,
    );
  });
});

suite('their budget', () => {
  const notice = (size: string) =>
    `bulkhead: services' logs cut here, after ${size} in this stage (limits.log of policy "p")\n`;
  const taken = (limit: number | null, ...texts: string[]) => {
    const budget = new LogBudget(limit, 'policy "p"');
    return { texts: texts.map((text) => budget.take(text).toString()), spent: budget.isSpent };
  };

  test('lets all through when there is none', () => {
    assert.deepEqual(taken(null, 'a\n', 'b\n'), { texts: ['a\n', 'b\n'], spent: false });
  });

  test('lets through what just fits', () => {
    assert.deepEqual(taken(4, 'a\n', 'b\n', ''), { texts: ['a\n', 'b\n', ''], spent: false });
  });

  test('cuts between lines, says so once, and lets nothing more through', () => {
    assert.deepEqual(taken(5, 'a\n', 'b\nc\nd\n', 'e\n'), {
      texts: ['a\n', `b\n${notice('5B')}`, ''],
      spent: true,
    });
    assert.deepEqual(taken(1, 'ab\n').texts, [notice('1B')]);
  });

  test('counts bytes', () => {
    assert.deepEqual(taken(4, 'äö\n').texts, [notice('4B')]);
  });
});
