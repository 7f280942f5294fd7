import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { freeRange, hasEnough, parseRanges, SUBORDINATE_IDS } from '../../../src/host-setup/subordinate-ids.ts';

const overlap = (a: { start: number; count: number }, b: { start: number; count: number }): boolean =>
  a.start < b.start + b.count && b.start < a.start + a.count;

test('a free range overlaps nothing that is taken', () => {
  const range = fc.record({ start: fc.nat(2_000_000), count: fc.integer({ min: 1, max: 300_000 }) });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), (taken) => {
      const found = { start: freeRange(taken), count: SUBORDINATE_IDS };
      assert.ok(found.start >= 100_000);
      assert.deepEqual(
        taken.filter((each) => overlap(each, found)),
        [],
      );
    }),
  );
});

test('a gap that is one id too small is passed over', () => {
  const taken = [{ start: 100_000 + SUBORDINATE_IDS - 1, count: 1 }];
  assert.equal(freeRange(taken), 100_000 + SUBORDINATE_IDS);
});

test('no room at all is an error', () => {
  assert.throws(() => freeRange([{ start: 0, count: 2 ** 32 }]), RangeError);
});

test("only the user's own range counts, and only when it is large enough", () => {
  const file = 'alice:100000:65536\nbob:165536:1000\n\nbroken\n';
  assert.equal(hasEnough(file, 'alice'), true);
  assert.equal(hasEnough(file, 'bob'), false);
  assert.equal(hasEnough(file, 'ali'), false);
  assert.equal(parseRanges(file).length, 2);
});
