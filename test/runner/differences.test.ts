import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { documentPath, withTables } from './docker/document.ts';
import { comparedJobs } from './docker/jobs.ts';
import { disagreements, type KnownDifference, listedFacts } from './docker/known-difference.ts';
import { knownDifferences } from './docker/known-differences.ts';
import { NothingToCompare, playBoth, pushSources } from './docker/play-both.ts';
import { jobsAtOnce, TwoExecutors } from './docker/two-executors.ts';

test('docs/differences.md has the list as it is', () => {
  const document = readFileSync(documentPath, 'utf8');
  assert.equal(document, withTables(document), 'node test/runner/docker/document.ts writes the tables');
});

test('what is not as listed shows: a new difference, one that is gone, one that is another', () => {
  const about = { theme: 'Sandbox', what: 'One', docker: '', bulkhead: '', why: '' } as const;
  const known: KnownDifference[] = [{ ...about, facts: { '{job,other}/{a,b}': ['1', /^[23]$/] } }];
  const a = { fact: 'job/a', docker: '1', bulkhead: '2' };
  const b = { fact: 'job/b', docker: '1', bulkhead: '3' };
  assert.deepEqual(disagreements(known, 'job', [a, b]), []);
  assert.match(disagreements(known, 'job', [a, b, { ...a, fact: 'job/c' }]).join(), /^a new difference: job\/c\n/);
  assert.match(disagreements(known, 'job', [a]).join(), /^no difference any more: job\/b \("One"\)$/);
  const rare: KnownDifference[] = known.map((each) => ({ ...each, someReleasesOnly: true }));
  assert.deepEqual(disagreements(rare, 'job', [a]), []);
  assert.match(disagreements(rare, 'job', [{ ...a, docker: '9' }]).join(), /^not as listed \("One"\): job\/a\n/);
  assert.match(disagreements(known, 'job', [a, { ...b, docker: '2' }]).join(), /^not as listed \("One"\): job\/b\n/);
  assert.match(disagreements(known, 'job', [a, { ...b, bulkhead: '4' }]).join(), /^not as listed \("One"\): job\/b\n/);
});

describe('the same job under both executors differs as listed, and in nothing else', {
  concurrency: jobsAtOnce,
}, async () => {
  const executors = await TwoExecutors.start();
  after(async () => {
    await executors[Symbol.asyncDispose]();
    assert.deepEqual(executors.gitlab.problems, []);
  });
  const jobs = comparedJobs(executors.images, await pushSources(executors));

  test('the list names facts of these jobs only', () => {
    const strays = [...listedFacts(knownDifferences).keys()].filter((fact) => !((fact.split('/')[0] ?? '') in jobs));
    assert.deepEqual(strays, []);
  });

  for (const [index, [name, job]] of Object.entries(jobs).entries()) {
    test(name, async (t) => {
      const seen = await playBoth(executors, name, job, 2000 + index).catch((error) => {
        if (error instanceof NothingToCompare) return error;
        throw error;
      });
      if (seen instanceof NothingToCompare) return t.skip(seen.message);
      const wrong = disagreements(knownDifferences, name, seen);
      assert.ok(wrong.length === 0, `${wrong.length} disagreements:\n${wrong.join('\n')}`);
    });
  }
});
