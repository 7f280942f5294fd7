import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { type LogPosition, linesAfter } from '../../../src/services/log-position.ts';

const at = (second: number, text: string) => `2026-08-22T10:00:${String(second).padStart(2, '0')}Z ${text}\n`;

suite('what of a log is new', () => {
  test('is all of it, first', () => {
    assert.deepEqual(linesAfter(at(1, 'a') + at(1, 'b') + at(2, 'c'), undefined), {
      lines: ['2026-08-22T10:00:01Z a', '2026-08-22T10:00:01Z b', '2026-08-22T10:00:02Z c'],
      position: { time: '2026-08-22T10:00:02Z', lines: 1 },
    });
  });

  test('is nothing, of a log that is empty or as it was', () => {
    assert.deepEqual(linesAfter('', undefined), { lines: [], position: undefined });
    const position = { time: '2026-08-22T10:00:01Z', lines: 2 };
    assert.deepEqual(linesAfter(at(1, 'a') + at(1, 'b'), position), { lines: [], position });
  });

  test('comes after as many lines of the same second as were shown', () => {
    const { lines, position } = linesAfter(at(1, 'a') + at(1, 'a') + at(1, 'a'), { time: timeOf(1), lines: 1 });
    assert.deepEqual([lines.length, position], [2, { time: timeOf(1), lines: 3 }]);
  });

  test('is all that is later, when what was shown is not kept any more', () => {
    const { lines } = linesAfter(at(2, 'b') + at(3, 'c'), { time: timeOf(1), lines: 9 });
    assert.equal(lines.length, 2);
    // A log that begins anew in the middle of that second.
    assert.equal(linesAfter(at(1, 'x') + at(3, 'c'), { time: timeOf(1), lines: 9 }).lines.length, 1);
  });

  test('does not begin again where the clock was set back', () => {
    const { lines } = linesAfter(at(5, 'a') + at(6, 'b') + at(2, 'c'), { time: timeOf(6), lines: 1 });
    assert.deepEqual(lines, ['2026-08-22T10:00:02Z c']);
  });

  test('has what looks like a time in a line of the service’s own', () => {
    const forged = '2026-08-22T10:00:09Z forged';
    const first = linesAfter(at(1, forged), undefined);
    assert.deepEqual(first.position, { time: timeOf(1), lines: 1 });
  });

  test('is each line once, however often one looks', () => {
    const seconds = fc.array(fc.nat(3), { maxLength: 40 });
    fc.assert(
      fc.property(seconds, fc.array(fc.nat(10), { maxLength: 20 }), (gaps, looks) => {
        let second = 0;
        const log = gaps.map((gap, index) => {
          second += gap;
          return at(second % 60, `line ${index}`);
        });
        fc.pre(second < 60);
        const shown: string[] = [];
        let position: LogPosition | undefined;
        let end = 0;
        for (const more of [...looks, log.length]) {
          end = Math.min(end + more, log.length);
          const found = linesAfter(log.slice(0, end).join(''), position);
          shown.push(...found.lines);
          position = found.position;
        }
        assert.deepEqual(
          shown,
          log.map((line) => line.trimEnd()),
        );
      }),
    );
  });
});

function timeOf(second: number): string {
  return at(second, '').trim();
}
