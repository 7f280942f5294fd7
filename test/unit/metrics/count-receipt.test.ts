import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { countReceipt, forgetOld, type Running } from '../../../src/metrics/count-receipt.ts';
import { Totals } from '../../../src/metrics/totals.ts';
import { finished, prepared, refused } from '../receipts/samples.ts';

const time = '2026-01-02T03:04:05.678Z';
const at = Date.parse(time);
const day = 24 * 3600 * 1000;

/** What a record adds to nothing. */
function counted(...records: object[]) {
  const totals = new Totals();
  const running: Running = { jobs: new Map(), last: undefined };
  const known = records.map((record) => countReceipt(totals, running, { time, ...record }));
  return { saved: totals.save(), running, known };
}
const one = (bucket: number, length: number, sum: number) => ({
  counts: Array.from({ length }, (_, index) => (index === bucket ? 1 : 0)),
  sum,
});
const orphaned = { ...finished, outcome: { code: 'job-orphaned', message: '' } };

suite('what a receipt adds', () => {
  for (const [what, record, adds] of [
    [
      'prepared',
      { ...prepared, durations: { decide: 40, images: 2000, guess: 9 }, pulledBytes: 1234 },
      {
        bulkhead_pulled_bytes_total: { '': 1234 },
        bulkhead_guarantee_unavailable_total: { 'limits.memory': 1 },
        bulkhead_jobs_prepared_total: { '': 1 },
        bulkhead_prepare_step_duration_seconds: { decide: one(0, 12, 0.04), images: one(5, 12, 2) },
        bulkhead_prepare_duration_seconds: { '': one(5, 12, 2.04) },
      },
    ],
    [
      'refused',
      { ...refused, pulledBytes: 5, guarantees: { gvisor: { state: 'violated', reason: '', remedy: '' } } },
      {
        bulkhead_pulled_bytes_total: { '': 5 },
        bulkhead_guarantee_violated_total: { gvisor: 1 },
        bulkhead_jobs_total: { refused: 1 },
        bulkhead_refusals_total: { 'policy-image-refused job': 1 },
      },
    ],
    [
      'finished',
      { ...finished, durations: { remove: 700 } },
      {
        bulkhead_pulled_bytes_total: { '': 0 },
        bulkhead_jobs_total: { finished: 1 },
        bulkhead_cleanup_duration_seconds: { '': one(4, 12, 0.7) },
      },
    ],
    [
      'finished, of an orphan',
      { ...orphaned, durations: {} },
      { bulkhead_pulled_bytes_total: { '': 0 }, bulkhead_orphans_removed_total: { '': 1 } },
    ],
    [
      'finished, though something is left',
      { ...finished, outcome: { code: 'cleanup-incomplete', message: '' } },
      { bulkhead_pulled_bytes_total: { '': 0 }, bulkhead_cleanup_failures_total: { 'cleanup-incomplete': 1 } },
    ],
  ] as const) {
    test(what, () => assert.deepEqual(counted(record).saved, adds));
  }

  test('of another version: what is not known makes no series of its own', () => {
    const guarantees = { 'limits.time': { state: 'unavailable' }, gvisor: { state: 'doubtful' } };
    const { saved, known } = counted(
      { ...refused, outcome: { code: 'evil{}" 1', message: '' }, guarantees, more: 1 },
      { ...finished, kind: 'paused' },
    );
    assert.deepEqual(known, [true, false]);
    assert.deepEqual(saved, {
      bulkhead_pulled_bytes_total: { '': 0 },
      bulkhead_jobs_total: { refused: 1 },
      bulkhead_refusals_total: { 'other system': 1 },
    });
  });
});

suite('a job', () => {
  const end = (record: object, seconds: number) => ({ ...record, time: new Date(at + seconds * 1000).toISOString() });

  test('lasts from its last prepare to its end', () => {
    for (const last of [finished, orphaned]) {
      const { saved, running } = counted(prepared, end(prepared, 10), end(last, 50));
      assert.deepEqual(saved['bulkhead_job_duration_seconds'], { '': one(4, 13, 40) });
      assert.deepEqual([running.jobs.size, running.last], [0, at + 50_000]);
    }
  });

  test('runs until it is cleaned up', () => {
    const failed = { ...finished, outcome: { code: 'cleanup-incomplete', message: '' } };
    assert.deepEqual([...counted(prepared, failed).running.jobs], [[prepared.job.key, at]]);
  });

  test('that ends before it began, by a clock that was set back, lasted no time', () => {
    assert.deepEqual(counted(prepared, end(finished, -60)).saved['bulkhead_job_duration_seconds'], {
      '': one(0, 13, 0),
    });
  });

  test('whose end is never written is forgotten', () => {
    const { running } = counted(prepared);
    forgetOld(running, at + 6 * day);
    assert.equal(running.jobs.size, 1);
    forgetOld(running, at + 8 * day);
    assert.equal(running.jobs.size, 0);
  });

  test('takes no memory for ever, the oldest first', () => {
    const ofKey = (key: string) => ({ ...prepared, job: { ...prepared.job, key } });
    const { running } = counted(...Array.from({ length: 10_001 }, (_, n) => ofKey(`${n}`)));
    assert.deepEqual([running.jobs.size, running.jobs.has('0'), running.jobs.has('10000')], [10_000, false, true]);
  });
});
