import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { jobsOf, markRules } from '../../../src/local/reader/jobs.ts';

const listed = (name: string, more: object = {}) => ({ name, stage: 'test', when: 'on_success', ...more });
const variablesOf = (preview: object, list: ReturnType<typeof listed>[]) =>
  jobsOf(preview as never, list).map(({ variables }) => variables);

suite('jobs of a pipeline', () => {
  test('are named and given their variables as GitLab does for a matrix', () => {
    const preview = {
      stages: ['test'],
      variables: { G: '1' },
      test: {
        script: ['true'],
        variables: { J: 2 },
        parallel: { matrix: [{ V: ['3.12', '3.13'], OS: 'debian' }, { X: 1 }] },
      },
    };
    const jobs = jobsOf(
      preview,
      ['test: [3.12,debian]', 'test: [3.13,debian]', 'test: [1]'].map((name) => listed(name)),
    );
    assert.deepEqual(
      jobs.map(({ name }) => name),
      ['test: [3.12, debian]', 'test: [3.13, debian]', 'test: [1]'],
    );
    assert.deepEqual(jobs[1]?.variables, {
      ...{ G: '1', J: '2', V: '3.13', OS: 'debian' },
      ...{ CI_NODE_INDEX: '2', CI_NODE_TOTAL: '3' },
    });
  });

  test('are counted where they are only parallel', () => {
    const preview = { test: { script: ['true'], parallel: 2 } };
    const jobs = jobsOf(preview, [listed('test: [1/2]'), listed('test: [2/2]')]);
    assert.deepEqual(
      jobs.map(({ name }) => name),
      ['test 1/2', 'test 2/2'],
    );
  });

  test('inherit the global variables that they want', () => {
    const of = (inherit: unknown) => variablesOf({ variables: { A: 'a', B: 'b' }, x: { inherit } }, [listed('x')]);
    assert.deepEqual(of(undefined), [{ A: 'a', B: 'b' }]);
    assert.deepEqual(of({ variables: false }), [{}]);
    assert.deepEqual(of({ variables: ['B'] }), [{ B: 'b' }]);
  });

  test('get the variables of the rule that let them in, and of no other', () => {
    const rules = [
      { if: '$A', variables: { V: 'first' } },
      { if: '$B', variables: { V: 'second' }, allow_failure: true },
    ];
    const preview = { x: { variables: { V: 'job' }, rules } };
    const marked = markRules(preview)['x'] as unknown as { rules: { allow_failure: object }[] };
    const marks = marked.rules.map(({ allow_failure }) => allow_failure);
    assert.deepEqual(variablesOf(preview, [listed('x', { allow_failure: marks[1] })]), [{ V: 'second' }]);
    assert.deepEqual(variablesOf(preview, [listed('x', { allow_failure: marks[0] })]), [{ V: 'first' }]);
    // What a job says of its own failures is no mark.
    assert.deepEqual(variablesOf(preview, [listed('x', { allow_failure: { exit_codes: 1 } })]), [{ V: 'job' }]);
  });

  test('are not mixed up with what is no job', () => {
    const preview = { workflow: { rules: [{ if: '$A' }] }, variables: { A: 'a' }, x: { script: 'one line' } };
    assert.deepEqual(markRules(preview)['workflow'], preview.workflow);
    const [job] = jobsOf(preview, [listed('x')]);
    assert.deepEqual(job?.script, ['one line']);
  });

  test('that are listed and not described are an error, not somebody else', () => {
    assert.throws(() => jobsOf({ x: {} }, [listed('x'), listed('y')]), /the job y/);
    assert.throws(() => jobsOf({ x: { parallel: { matrix: [{ A: ['a'] }] } } }, [listed('x: [b]')]), /x: \[b\]/);
  });

  test('say what they need, and whether they start another pipeline', () => {
    const preview = { a: { trigger: { include: 'x.yml' } }, b: {} };
    const [first, second] = jobsOf(preview, [listed('a'), listed('b', { needs: [{ job: 'a', artifacts: true }] })]);
    assert.equal(first?.trigger, true);
    assert.deepEqual([second?.trigger, second?.needs], [false, ['a']]);
  });
});
