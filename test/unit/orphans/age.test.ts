import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseAge } from '../../../src/orphans/age.ts';

suite('an age', () => {
  for (const [text, seconds] of [
    ['0s', 0],
    ['90s', 90],
    ['10min', 600],
    ['1.5h', 5400],
    ['30d', 2_592_000],
  ] as const) {
    test(`is ${text}`, () => assert.equal(parseAge(text), seconds));
  }
  for (const text of ['', '5', '-1d', '1.5d', '1m', '1D', '1 d', ' 1d', '1d\n', '9999999d', 'Infinityd', 'd']) {
    test(`is not ${JSON.stringify(text)}`, () => assert.equal(parseAge(text), undefined));
  }
});
