import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  type AccessRecord,
  acceptedForMs,
  accessRecordSchema,
  anybody,
  guarded,
  judgeAccess,
  withAccepted,
  withRefused,
} from '../../../src/images/access-record.ts';

const repository = 'registry.example.com/group/tool';
const now = 1_800_000_000_000;
const empty = guarded(undefined, repository, []);

suite('an image in the store', () => {
  test("is the operator's where no job ever pulled from its repository", () => {
    assert.equal(judgeAccess(undefined, 'x', 'alice', now), 'preloaded');
  });

  test('is guarded as soon as a job begins to pull from it, before anything came', () => {
    assert.equal(judgeAccess(empty, 'x', 'alice', now), 'unproven');
    assert.equal(judgeAccess(empty, 'x', anybody, now), 'unproven');
  });

  test("stays everybody's when it was there before", () => {
    const record = guarded(undefined, repository, ['x']);
    assert.equal(judgeAccess(record, 'x', anybody, now), 'preloaded');
    assert.equal(judgeAccess(record, 'y', anybody, now), 'unproven');
  });

  test("is not the operator's any more when it was taken away, and a job brought it back", () => {
    const record = guarded(guarded(undefined, repository, ['x', 'z']), repository, ['z']);
    assert.equal(judgeAccess(record, 'x', anybody, now), 'unproven');
    assert.equal(judgeAccess(record, 'z', anybody, now), 'preloaded');
  });

  test("does not become the operator's by coming later", () => {
    assert.equal(judgeAccess(guarded(empty, repository, ['x']), 'x', anybody, now), 'unproven');
  });

  test('is for whom the registry gave it to, and for nobody else', () => {
    const record = withAccepted(empty, 'x', 'alice', now);
    assert.equal(judgeAccess(record, 'x', 'alice', now), 'accepted');
    assert.equal(judgeAccess(record, 'x', 'bob', now), 'unproven');
    assert.equal(judgeAccess(record, 'x', anybody, now), 'unproven');
    assert.equal(judgeAccess(record, 'y', 'alice', now), 'unproven');
  });

  test('is for everybody when the registry asked for nothing', () => {
    const record = withAccepted(empty, 'x', anybody, now);
    assert.equal(judgeAccess(record, 'x', 'alice', now), 'public');
    assert.equal(judgeAccess(record, 'x', anybody, now), 'public');
  });

  test('for so long, and not longer', () => {
    const record = withAccepted(empty, 'x', 'alice', now);
    assert.equal(judgeAccess(record, 'x', 'alice', now + acceptedForMs - 1), 'accepted');
    assert.equal(judgeAccess(record, 'x', 'alice', now + acceptedForMs), 'unproven');
    assert.equal(judgeAccess(record, 'x', 'alice', now - 1), 'unproven', 'a clock that was set back');
  });

  test('until the registry refuses', () => {
    let record = withAccepted(withAccepted(empty, 'x', 'alice', now), 'y', 'alice', now);
    record = withAccepted(record, 'x', 'bob', now);
    record = withRefused(record, 'alice');
    assert.equal(judgeAccess(record, 'x', 'alice', now), 'unproven');
    assert.equal(judgeAccess(record, 'y', 'alice', now), 'unproven');
    assert.equal(judgeAccess(record, 'x', 'bob', now), 'accepted');
  });
});

suite('a record', () => {
  test('does not grow without end', () => {
    let record: AccessRecord = empty;
    for (let i = 0; i < 600; i++) record = withAccepted(record, 'x', `job ${i}`, now + i);
    assert.equal(record.accepted.length, 500);
    assert.equal(judgeAccess(record, 'x', 'job 599', now + 600), 'accepted');
    record = withAccepted(record, 'x', 'late', now + acceptedForMs + 1000);
    assert.equal(record.accepted.length, 1);
  });

  test('holds nobody twice', () => {
    const record = withAccepted(withAccepted(empty, 'x', 'alice', now), 'x', 'alice', now + 5);
    assert.deepEqual(record.accepted, [{ image: 'x', who: 'alice', at: now + 5 }]);
  });

  test('comes back from JSON as it was', () => {
    const record = withAccepted(guarded(undefined, repository, ['z']), 'x', 'alice', now);
    assert.deepEqual(accessRecordSchema.parse(JSON.parse(JSON.stringify(record))), record);
  });

  const name = fc.constantFrom('a', 'b', 'c');
  test('that loses entries opens nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name)), name, name, fc.nat(20), (pairs, image, who, lost) => {
        const full = pairs.reduce((record, [x, y]) => withAccepted(record, x, y, now), empty);
        const less = {
          ...full,
          accepted: full.accepted.toSpliced(lost % (full.accepted.length + 1), 1),
          preloaded: [],
        };
        if (judgeAccess(full, image, who, now) === 'unproven') {
          assert.equal(judgeAccess(less, image, who, now), 'unproven');
        }
      }),
    );
  });
});
