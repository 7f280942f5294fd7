import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, suite, test } from 'node:test';
import { concludeReceipts } from '../../../src/diagnosis/conclude-receipts.ts';
import { keptReceipts } from '../../../src/diagnosis/kept-receipts.ts';
import { diagnoseInput } from '../../../src/diagnosis/read-input.ts';
import { readReceiptLine } from '../../../src/diagnosis/receipt-line.ts';
import { formatLine, genesis } from '../../../src/receipts/chain.ts';
import type { ReceiptRecord } from '../../../src/receipts/record.ts';
import { finished, prepared, refused, writeLines } from '../receipts/samples.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-diagnosis-'));
after(() => rmSync(root, { recursive: true }));

const lineOf = (record: object) => formatLine(genesis, new Date('2026-01-02T03:04:05Z'), record);
const receipt = (record: object) => readReceiptLine(lineOf(record)) ?? assert.fail('no receipt');
const outcome = (code: string, message = 'why') => ({ ...refused, outcome: { code, message } });
const conclude = (...records: readonly object[]) => concludeReceipts(records.map(receipt), 'sure');
const paste = (text: string) => diagnoseInput(Readable.from([Buffer.from(text)]));

suite('receipts', () => {
  for (const [what, records, state, stage, fault, ids] of [
    ['a refusal', [refused], 'failed', 'prepare (deciding what the job gets)', 'job', ['policy-image-refused']],
    [
      'a failure, and what lies behind it',
      [
        {
          ...outcome('sandbox-start-failed', 'no space left on device'),
          durations: { decide: 1, images: 2, create: 3 },
        },
      ],
      'failed',
      'prepare (starting the sandboxes)',
      'operator',
      ['host-disk-full', 'sandbox-start-failed'],
    ],
    [
      'a proof that failed',
      [{ ...outcome('guarantee-unavailable'), durations: { decide: 1, images: 2, create: 3, start: 4, prove: 5 } }],
      'failed',
      'prepare (judging what was proven, looking for a shell, beginning the services)',
      'operator',
      ['guarantee-unavailable'],
    ],
    [
      'a cancel in prepare',
      [outcome('terminated')],
      'canceled',
      'prepare (deciding what the job gets)',
      'nobody',
      ['terminated'],
    ],
    [
      'a job whose runner died',
      [prepared, { ...finished, outcome: { code: 'job-orphaned', message: 'gone' } }],
      'failed',
      'cleanup',
      'system',
      ['job-orphaned'],
    ],
    [
      'a job that was cleaned up after',
      [outcome('podman-unreachable'), prepared, finished],
      'ended',
      undefined,
      'nobody',
      [],
    ],
    ['a job that has not ended', [prepared], 'unknown', undefined, 'unknown', []],
    [
      'a code of another version',
      [outcome('no-such-code')],
      'failed',
      'prepare (deciding what the job gets)',
      'system',
      [],
    ],
  ] as const) {
    test(`of ${what}`, () => {
      const diagnosis = conclude(...records);
      assert.deepEqual([diagnosis.state, diagnosis.stage, diagnosis.fault], [state, stage, fault]);
      assert.deepEqual(
        diagnosis.findings.map(({ symptom, certainty }) => [symptom.id, certainty]),
        ids.map((id) => [id, 'sure']),
      );
    });
  }

  test('count the attempts', () => {
    const again = outcome('podman-unreachable');
    assert.deepEqual(conclude(again, again, again).notes, ['Nothing of the job ran in 3 attempts to prepare it.']);
  });

  test('in which a registry speaks are not sure of what lies behind', () => {
    const { findings } = conclude(outcome('image-pull-failed', 'toomanyrequests: wait'));
    assert.deepEqual(
      findings.map(({ symptom, certainty }) => [symptom.id, certainty]),
      [
        ['image-pull-failed', 'sure'],
        ['registry-rate-limit', 'possible'],
      ],
    );
  });
});

suite('what was pasted', () => {
  test('is receipts when each line is one; of which nobody can be sure', async () => {
    const other: ReceiptRecord = { ...finished, job: { ...finished.job, key: '4712-0123456789ab', id: 4712 } };
    const diagnoses = await paste(`\n${lineOf(refused)}\n${lineOf(other)}\n`);
    assert.deepEqual(
      diagnoses.map(({ state }) => state),
      ['failed', 'ended'],
    );
    assert.deepEqual(diagnoses[0]?.findings[0]?.certainty, 'likely');
  });

  test('is a log when a line of it is none, whatever the job printed', async () => {
    const [diagnosis] = await paste(`${lineOf(refused)}\nERROR: Job failed: exit status 3\n`);
    assert.deepEqual([diagnosis?.subject, diagnosis?.fault, diagnosis?.findings], ['the job log', 'job', []]);
  });

  test('is a log when it is larger than receipts of a job can be', async () => {
    const line = `${lineOf(refused)}\n`;
    const [diagnosis] = await paste(line.repeat(Math.ceil((5 * 1024 * 1024) / line.length)));
    assert.equal(diagnosis?.subject, 'the job log');
  });

  for (const text of ['', '{', '{}', '[]', 'null', '"x"', '{"schemaVersion":1}']) {
    test(`is a log when it is ${JSON.stringify(text)}`, async () => {
      assert.deepEqual(
        (await paste(text)).map(({ subject }) => subject),
        ['the job log'],
      );
    });
  }
});

suite('the receipts of this host', () => {
  test('are those of the job, oldest first, from all files', async () => {
    const other = { ...finished, job: { ...finished.job, id: 47110 } };
    writeLines(root, [lineOf(refused), lineOf(other), '{"id":4711,', 'x'.repeat(100)], 'receipts-1.jsonl');
    writeLines(root, [lineOf(prepared), lineOf(finished)]);
    const found = await keptReceipts(root, 4711);
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['refused', 'prepared', 'finished'],
    );
    assert.deepEqual(await keptReceipts(root, 1), []);
  });

  test('are none where there is no folder', async () => {
    assert.deepEqual(await keptReceipts(join(root, 'none'), 4711), []);
  });
});
