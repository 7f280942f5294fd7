import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { groupByJob, readClaim } from '../../../src/orphans/claim.ts';
import { labelKeys, type Role } from '../../../src/sandbox/names.ts';
import { anyText, job } from '../samples.ts';
import { deadline, labelled, made } from './samples.ts';

const networks = ['network-helper', 'network-build', 'network-services', 'network-internal'] as const;
const roles: readonly Role[] = ['helper', 'build', 'courier', 'builds', 'scripts', ...networks];
const withLabel = (key: string, value: string) => {
  const object = labelled('build');
  return { ...object, labels: { ...object.labels, [key]: value } };
};

suite('an object with labels of ours', () => {
  for (const role of roles) {
    test(`is believed when prepare made it: ${role}`, () => {
      const claim = readClaim(labelled(role));
      assert.ok('jobKey' in claim, JSON.stringify(claim));
      assert.deepEqual([claim.jobKey, claim.jobId, claim.deadline], [job.key, 4711, deadline]);
      assert.deepEqual([claim.instance, claim.runnerProcess], [job.instance, '123:456789']);
      assert.deepEqual(claim.policy, { name: 'baseline', hash: '0123456789abcdef' });
    });
  }

  test('is believed when a rehearsal of policy check made it', () => {
    const key = 'check-12345678-abc';
    const object = { ...withLabel(labelKeys.job, key), name: `bulkhead-${key}-build` };
    assert.ok('jobKey' in readClaim(object));
  });

  for (const [what, object, why] of [
    ['another name, as an image can bring our labels', labelled('build', { name: 'postgres' }), /name does not fit/],
    ['no name', labelled('build', { name: '' }), /name does not fit/],
    ["another role's name", labelled('build', { name: labelled('helper').name }), /name does not fit/],
    ['a key that is none', { ...withLabel(labelKeys.job, '../x'), name: 'bulkhead-../x-build' }, /name no job/],
    ['a role that is none', { ...withLabel(labelKeys.role, 'a b'), name: `bulkhead-${job.key}-a b` }, /name no job/],
    ['a deadline that is none', withLabel(labelKeys.deadline, 'tomorrow'), /deadline is no time/],
    ['an endless deadline', withLabel(labelKeys.deadline, '9'.repeat(400)), /deadline is no time/],
    ['a negative deadline', withLabel(labelKeys.deadline, '-1'), /deadline is no time/],
    ['a deadline before it was made', withLabel(labelKeys.deadline, `${made - 1}`), /before it was made/],
    ['a job id that is none', withLabel(labelKeys.jobId, '1e3'), /job-id is no number/],
  ] as const) {
    test(`is strange with ${what}`, () => {
      const claim = readClaim(object);
      assert.ok('why' in claim);
      assert.match(claim.why, why);
    });
  }

  test('never makes it fail, and is never believed under a name that is not ours', () => {
    const labels = fc.dictionary(fc.constantFrom(...Object.values(labelKeys)), anyText({ maxLength: 30 }));
    fc.assert(
      fc.property(labels, anyText({ maxLength: 40 }), fc.option(fc.double(), { nil: undefined }), (set, name, at) => {
        const object = labelled('build', { name, createdAt: at });
        const claim = readClaim({ ...object, labels: { ...object.labels, ...set } });
        if ('jobKey' in claim) assert.equal(name, `bulkhead-${claim.jobKey}-${claim.object.labels[labelKeys.role]}`);
      }),
    );
  });
});

test('objects are sorted by job, and a strange one belongs to none', () => {
  const fake = labelled('build', { name: 'postgres', id: 'fake' });
  const { jobs, strange } = groupByJob([...roles.map((role) => labelled(role)), fake]);
  assert.deepEqual([...jobs.keys()], [job.key]);
  assert.deepEqual(
    jobs.get(job.key)?.map(({ object }) => object.id),
    roles.map((role) => `id-of-${role}`),
  );
  assert.deepEqual(
    strange.map(({ object }) => object.id),
    ['fake'],
  );
});
