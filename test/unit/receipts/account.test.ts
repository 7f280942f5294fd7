import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BulkheadError } from '../../../src/errors.ts';
import { Account } from '../../../src/receipts/account.ts';
import { receiptRecordSchema } from '../../../src/receipts/record.ts';
import { job } from '../samples.ts';

test('a receipt tells the bytes that were pulled, and nothing where none were', () => {
  const account = new Account(job, '123:456789');
  const refused = () => receiptRecordSchema.parse(account.refused(new BulkheadError('image-pull-failed', '', '')));
  assert.ok(!('pulledBytes' in refused()));
  account.pulledBytes += 5;
  account.pulledBytes += 7;
  assert.equal((refused() as { pulledBytes?: number }).pulledBytes, 12);
  account.policy = { name: 'baseline', hash: '0' };
  account.helper = { reference: 'localhost/helper', id: 'sha256:1' };
  account.build = { reference: 'localhost/build', id: 'sha256:2' };
  account.runtime = { flags: [] };
  account.guarantees = {};
  const prepared = receiptRecordSchema.parse(account.prepared());
  assert.equal(prepared.kind === 'prepared' && prepared.pulledBytes, 12);
});

test('a receipt of a cleanup that failed says so, whatever was thrown', () => {
  const finished = (failure?: unknown) => {
    const record = receiptRecordSchema.parse(new Account(job, '123:456789').finished(1, failure));
    return record.kind === 'finished' && record.outcome;
  };
  assert.equal(finished(), undefined);
  assert.deepEqual(finished(new BulkheadError('cleanup-incomplete', 'it is left', '')), {
    code: 'cleanup-incomplete',
    message: 'it is left',
  });
  assert.deepEqual(finished(new TypeError('oops')), {
    code: 'internal-error',
    message: 'unexpected failure: oops',
  });
});
