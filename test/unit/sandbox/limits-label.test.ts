import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { BulkheadError } from '../../../src/errors.ts';
import { type Limits, limitsLabel, parseLimits, unlimited } from '../../../src/sandbox/limits-label.ts';
import { labelKeys, labelsFor } from '../../../src/sandbox/names.ts';
import { anyText, job, owner } from '../samples.ts';

const limit = fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER }));
const anyLimits: fc.Arbitrary<Limits> = fc.record(
  { log: limit, disk: limit, memory: limit, pids: limit },
  { noNullPrototype: true },
);

suite('the label of limits', () => {
  test('is on every object, and comes back as it went', () => {
    fc.assert(
      fc.property(anyLimits, (limits) => {
        for (const role of ['helper', 'build', 'courier', 'builds'] as const) {
          const labels = labelsFor(job, role, { ...owner, limits });
          assert.deepEqual(parseLimits(labels[labelKeys.limits]), limits);
        }
      }),
    );
  });

  test('is JSON with null for unlimited', () => {
    assert.equal(limitsLabel({ ...unlimited, log: 1024, pids: 7 }), '{"log":1024,"disk":null,"memory":null,"pids":7}');
  });

  for (const [what, text] of [
    ['none', undefined],
    ['an empty one', ''],
    ['no JSON', '{log:1}'],
    ['no object', '7'],
    ['null', 'null'],
    ['one limit too few', '{"log":1,"disk":1,"memory":1}'],
    ['a limit in words', '{"log":"1MiB","disk":null,"memory":null,"pids":null}'],
    ['a negative one', '{"log":-1,"disk":null,"memory":null,"pids":null}'],
    ['a broken number', '{"log":1.5,"disk":null,"memory":null,"pids":null}'],
    ['an infinite one', '{"log":1e999,"disk":null,"memory":null,"pids":null}'],
  ] as const) {
    test(`${what} is refused: it would be no limit at all`, () => {
      assert.throws(() => parseLimits(text), { code: 'internal-error' });
    });
  }

  test('never crashes, whatever it says', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), fc.json()), (text) => {
        try {
          parseLimits(text);
        } catch (error) {
          assert.ok(error instanceof BulkheadError);
        }
      }),
    );
  });
});
