import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { durationUnits, formatSize, parseDuration, parseSize, sizeUnits } from '../../../src/policy/units.ts';
import { anyText } from '../samples.ts';

suite('sizes', () => {
  for (const [text, bytes] of Object.entries({
    '0B': 0,
    '1B': 1,
    '1kB': 1000,
    '1KiB': 1024,
    '1.5GiB': 1_610_612_736,
    '4GiB': 4_294_967_296,
    '2TB': 2_000_000_000_000,
    '0.001kB': 1,
    '00001MiB': 1_048_576,
  })) {
    test(text, () => assert.equal(parseSize(text), bytes));
  }

  for (const text of [
    ...['', '4', '4096', 'GiB', '4G', '4g', '4gib', '4GIB', '4 GiB', ' 4GiB', '4GiB ', '4GiB\n', '-4GiB', '+4GiB'],
    ...['4,5GiB', '.5GiB', '4.GiB', '4.0000GiB', '1e3MiB', '0x10B', 'NaNB', 'InfinityB', '4s', '4constructor'],
    ...['9999999999999999B', '99999999999999TiB', '٤GiB', '４GiB', '4GiB4GiB', '4toString'],
  ]) {
    test(`${JSON.stringify(text)} is none`, () => assert.equal(parseSize(text), undefined));
  }

  test('are written so that they read the same', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 50), (bytes) => {
        assert.equal(parseSize(formatSize(bytes)), bytes);
      }),
    );
    assert.equal(formatSize(4_294_967_296), '4GiB');
    assert.equal(formatSize(1_610_612_736), '1536MiB');
    assert.equal(formatSize(1000), '1000B');
  });
});

suite('durations', () => {
  for (const [text, seconds] of Object.entries({ '90s': 90, '1.5h': 5400, '10min': 600, '0s': 0 })) {
    test(text, () => assert.equal(parseDuration(text), seconds));
  }
  for (const text of ['90', '90m', '90ms', '90S', '1d', '90 s', '4GiB', '1h30min']) {
    test(`${text} is none`, () => assert.equal(parseDuration(text), undefined));
  }
});

test('any text is a whole number of bytes or seconds, or none', () => {
  const near = fc
    .tuple(fc.oneof(fc.double(), fc.bigInt()), fc.constantFrom(...sizeUnits, ...durationUnits))
    .map(([number, unit]) => `${number}${unit}`);
  fc.assert(
    fc.property(fc.oneof(anyText(), near), (text) => {
      for (const value of [parseSize(text), parseDuration(text)]) {
        assert.ok(value === undefined || (Number.isSafeInteger(value) && value >= 0));
      }
    }),
    { numRuns: 2000 },
  );
});
