import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type GuaranteeName, guaranteeNames, type Observation } from '../../../src/guarantees/guarantee.ts';
import { judge } from '../../../src/guarantees/prove.ts';
import { enforce, merge, summary } from '../../../src/guarantees/results.ts';
import { demand, facts } from './sample-facts.ts';

const proven = (evidence = 'seen'): Observation => ({ state: 'proven', evidence });
const unavailable: Observation = { state: 'unavailable', reason: 'cgroup v1', remedy: 'Boot with v2.' };
const violated: Observation = { state: 'violated', reason: 'it is crun', remedy: 'Use runsc.' };

test('a sandbox is judged by every guarantee but the limits', () => {
  const judged = Object.keys(judge(facts, demand)).sort();
  assert.deepEqual(judged, guaranteeNames.filter((name) => !name.startsWith('limits.')).sort());
});

suite('of several sandboxes', () => {
  const merged = (helper: Observation | undefined, build: Observation | undefined) =>
    merge([
      ['helper', helper ? { gvisor: helper } : {}],
      ['build', build ? { gvisor: build } : {}],
    ]).gvisor;

  test('the same is said once', () => assert.deepEqual(merged(proven(), proven()), proven()));
  test('what differs is said of each', () => {
    assert.deepEqual(merged(proven('pid 1'), proven('pid 2')), proven('helper sandbox: pid 1; build sandbox: pid 2'));
  });
  test('the worst counts, wherever it is', () => {
    const reason = (role: string, one: typeof unavailable | typeof violated) => ({
      ...one,
      reason: `${role} sandbox: ${'reason' in one ? one.reason : ''}`,
    });
    for (const worst of [unavailable, violated]) {
      assert.deepEqual(merged(proven(), worst), reason('build', worst));
      assert.deepEqual(merged(worst, proven()), reason('helper', worst));
    }
    assert.deepEqual(merged(unavailable, violated), reason('build', violated));
    assert.deepEqual(merged(violated, unavailable), reason('helper', violated));
  });
  test('what only one shows is said of it', () => {
    assert.deepEqual(merged(proven(), undefined), proven('helper sandbox: seen'));
    assert.equal(merged(undefined, undefined), undefined);
  });
  test('none proves nothing', () => assert.deepEqual(merge([]), {}));
});

suite('a job may run', () => {
  const all = Object.fromEntries(guaranteeNames.map((name) => [name, proven()]));
  test('when everything required is proven', () => enforce(all, guaranteeNames));
  test('when what is unavailable is not required', () => enforce({ ...all, 'limits.memory': unavailable }, ['gvisor']));
  test('not with anything violated, required or not', () => {
    for (const required of [[], ['gvisor'], ['image']] as GuaranteeName[][]) {
      assert.throws(() => enforce({ ...all, gvisor: violated }, required), {
        code: 'guarantee-violated',
        blame: 'operator',
        message: 'the guarantee gvisor does not hold: it is crun',
        hint: 'Use runsc.',
      });
    }
  });
  test('not without what is required; all of it is named', () => {
    const results = { ...all, 'limits.memory': unavailable, 'limits.pids': unavailable, seccomp: undefined } as never;
    assert.throws(() => enforce(results, ['limits.pids', 'seccomp', 'limits.memory', 'gvisor']), {
      code: 'guarantee-unavailable',
      blame: 'operator',
      message: /seccomp \(nothing observes it here\); limits\.memory \(cgroup v1\); limits\.pids \(cgroup v1\)$/,
      hint: 'Take seccomp out of "require" of the policy. Boot with v2.',
    });
  });
  test('that something is violated is said before that something is unavailable', () => {
    assert.throws(() => enforce({ rootless: unavailable, image: violated }, ['rootless']), {
      code: 'guarantee-violated',
    });
  });
});

suite('the one line', () => {
  test('names what is proven, in order, and what is not', () => {
    const results = { image: proven(), 'limits.memory': unavailable, rootless: proven() };
    assert.equal(summary(results), 'Isolation proven: rootless, image; not on this runner: limits.memory.');
    assert.equal(summary({ gvisor: proven() }), 'Isolation proven: gvisor.');
    assert.equal(summary({}), 'Isolation proven: nothing.');
  });
});
