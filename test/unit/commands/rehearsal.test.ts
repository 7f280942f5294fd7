import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { judge } from '../../../src/commands/policy/rehearsal.ts';
import type { Observation } from '../../../src/guarantees/guarantee.ts';
import { policyOf } from '../policy/files.ts';
import { policyFile } from '../samples.ts';

const policy = await policyOf({ require: ['rootless', 'gvisor', 'seccomp'] });
const proven: Observation = { state: 'proven', evidence: 'seen' };
const unavailable: Observation = { state: 'unavailable', reason: 'why', remedy: 'how' };
const violated: Observation = { state: 'violated', reason: 'why', remedy: 'how' };
const good = { rootless: proven, gvisor: proven, seccomp: proven };
const say = (results: Parameters<typeof judge>[2], isAssigned = true) =>
  judge(policy, isAssigned, results).map(({ level, path, message }) => `${level} ${path}: ${message}`);

suite('what a host cannot give', () => {
  test('is nothing when all is proven', () => assert.deepEqual(say(good), []));

  test('is an error where it is required', () => {
    assert.deepEqual(say({ ...good, seccomp: unavailable }), [
      'error require[2]: requires seccomp, which this host cannot give: why',
    ]);
    const { seccomp: _unseen, ...rest } = good;
    assert.deepEqual(say(rest), [
      'error require[2]: requires seccomp, which this host cannot give: nothing observes it here',
    ]);
  });

  test('is worth knowing where it is not required, or no job gets the policy', () => {
    assert.deepEqual(say({ ...good, 'limits.pids': unavailable }), [
      'info require: this host cannot give limits.pids, which is not required: why',
    ]);
    assert.deepEqual(say({ ...good, 'limits.pids': unavailable }, false), []);
    assert.match(say({ ...good, seccomp: unavailable }, false)[0] ?? '', /^info require\[2\]/);
  });

  test('is always an error when it is seen not to hold', () => {
    assert.deepEqual(say({ ...good, mounts: violated }, false), [
      'error require: mounts does not hold on this host: why',
    ]);
  });

  test('is told with the line and the fix', () => {
    const [finding] = judge(policy, true, { ...good, seccomp: unavailable });
    const lines = JSON.stringify({ ...policyFile, require: [] }, null, 2).split('\n');
    assert.equal(finding?.line, lines.findIndex((line) => line.includes('"require"')) + 1);
    assert.deepEqual([finding?.file, finding?.fix], ['site.json', 'how']);
  });
});
