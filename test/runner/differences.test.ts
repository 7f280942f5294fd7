import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { differences } from './docker/compare.ts';
import { documentPath, withTables } from './docker/document.ts';
import { comparedJobs } from './docker/jobs.ts';
import { disagreements, type KnownDifference, listedFacts } from './docker/known-difference.ts';
import { knownDifferences } from './docker/known-differences.ts';
import { playBoth, pushSources } from './docker/play-both.ts';
import { jobsAtOnce, TwoExecutors } from './docker/two-executors.ts';
import { NothingToCompare, wrongInTheEnd } from './docker/wrong-in-the-end.ts';

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
  const rare: KnownDifference[] = known.map((each) => ({ ...each, notAlways: true }));
  assert.deepEqual(disagreements(rare, 'job', [a]), []);
  assert.match(disagreements(rare, 'job', [{ ...a, docker: '9' }]).join(), /^not as listed \("One"\): job\/a\n/);
  assert.match(disagreements(known, 'job', [a, { ...b, docker: '2' }]).join(), /^not as listed \("One"\): job\/b\n/);
  assert.match(disagreements(known, 'job', [a, { ...b, bulkhead: '4' }]).join(), /^not as listed \("One"\): job\/b\n/);
});

test('only the Docker executor may try again', async () => {
  const fact = (value: string) => new Map([['state', value]]);
  const wrong = async (ours: string, ...theirs: readonly string[]) => {
    const repeats: string[] = [];
    const runs = theirs.values();
    const texts = await wrongInTheEnd(
      Promise.resolve(fact(ours)),
      async () => {
        const value = runs.next().value;
        if (value === undefined) throw new NothingToCompare();
        return fact(value);
      },
      (text) => repeats.push(...text),
      (facts) => differences('job', facts).map(({ docker, bulkhead }) => `${docker} and ${bulkhead}`),
    );
    return { texts, repeats };
  };
  assert.deepEqual(await wrong('a', 'a'), { texts: [], repeats: [] });
  assert.deepEqual(await wrong('a', 'b', 'a'), { texts: [], repeats: ['b and a'] });
  assert.deepEqual(await wrong('b', 'a', 'a', 'a', 'b'), { texts: ['a and b'], repeats: ['a and b', 'a and b'] });
  assert.deepEqual(await wrong('b', 'a'), { texts: ['a and b'], repeats: ['a and b'] });
  await assert.rejects(wrong('a'), NothingToCompare);
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

  for (const [name, job] of Object.entries(jobs)) {
    test(name, async (t) => {
      const onRepeat = (wrong: readonly string[]) =>
        t.diagnostic(`the Docker executor runs the job again: ${wrong.join('\n')}`);
      const wrong = await playBoth(executors, name, job, onRepeat).catch((error) => {
        if (error instanceof NothingToCompare) return error;
        throw error;
      });
      if (wrong instanceof NothingToCompare) return t.skip(wrong.message);
      assert.ok(wrong.length === 0, `${wrong.length} disagreements:\n${wrong.join('\n')}`);
    });
  }
});
