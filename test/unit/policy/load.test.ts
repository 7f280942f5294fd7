import assert from 'node:assert/strict';
import { chmodSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { JobFacts } from '../../../src/policy/assignment.ts';
import { assignedPolicy, loadAssignments, loadPolicy } from '../../../src/policy/load.ts';
import { policyFile } from '../samples.ts';
import { makeFolder } from './folder.ts';

const facts: JobFacts = {
  projectPath: 'group/app',
  projectId: 42,
  namespaceId: 7,
  userId: 3,
  protected: false,
  runner: undefined,
};
const assignments = [
  '{ "assignments": [',
  '{ "match": { "project": "group/*", "protected": true }, "policy": "strict" },',
  '{ "match": { "project": "group/*" }, "policy": "site" },',
  '{ "match": { "project": "broken/*" }, "policy": "broken" },',
  '{ "match": { "project": "gone/*" }, "policy": "gone" }',
  ']}',
].join('\n');
const folder = makeFolder({
  'assignments.json': assignments,
  'site.json': policyFile,
  'strict.json': { extends: 'site', capabilities: [] },
  'broken.json': '{',
});
const error = (code: string, message: RegExp) => ({ name: 'BulkheadError', code, message });

suite('the policy of a job', () => {
  test('is that of the first assignment that matches, with the place that says so', async () => {
    const { policy, assignment, file, line } = await assignedPolicy(folder, facts);
    assert.deepEqual([policy.name, assignment, file, line], ['site', 1, 'assignments.json', 3]);
    const guarded = await assignedPolicy(folder, { ...facts, protected: true });
    assert.deepEqual([guarded.policy.name, guarded.assignment, guarded.line], ['strict', 0, 2]);
    assert.deepEqual(guarded.policy.settings.capabilities, []);
  });

  test('is none where none matches', async () => {
    await assert.rejects(
      assignedPolicy(folder, { ...facts, projectPath: 'group-evil/app' }),
      error(
        'policy-no-assignment',
        /no jobs of project group-evil\/app on unprotected refs \(no assignment in assignments\.json matches\)/,
      ),
    );
    await assert.rejects(
      assignedPolicy(folder, { ...facts, projectPath: undefined }),
      error('policy-no-assignment', /project 42/),
    );
  });

  test('is not hurt by mistakes in policies of others', async () => {
    assert.equal((await assignedPolicy(folder, facts)).policy.name, 'site');
    await assert.rejects(
      assignedPolicy(folder, { ...facts, projectPath: 'broken/x' }),
      error('policy-invalid', /^broken\.json:1/),
    );
    await assert.rejects(
      assignedPolicy(folder, { ...facts, projectPath: 'gone/x' }),
      error('policy-not-found', /"gone"/),
    );
  });
});

suite('a folder', () => {
  test('without assignments, or that is none, is of no use', async () => {
    await assert.rejects(
      loadAssignments(makeFolder({})),
      error('policy-not-found', /assignments\.json does not exist/),
    );
    await assert.rejects(
      loadAssignments('/nonexistent'),
      error('policy-not-found', /assignments\.json does not exist/),
    );
    await assert.rejects(loadPolicy(makeFolder({}), 'site'), error('policy-not-found', /no policy "site"/));
  });

  test('with an assignment that is wrong is of no use to anybody', async () => {
    const bad = makeFolder({ 'assignments.json': '{"assignments": [{"match": {"projet": "a/*"}, "policy": "x"}]}' });
    await assert.rejects(
      loadAssignments(bad),
      error(
        'policy-invalid',
        /^assignments\.json:1: assignments\[0\]\.match\.projet: unknown key; did you mean "project"\?$/,
      ),
    );
    await assert.rejects(
      loadAssignments(makeFolder({ 'assignments.json': '{"assignments": []}' })),
      error('policy-invalid', /^assignments\.json:1: assignments: /),
    );
  });

  // What was looked at once is remembered for as long as a driver process lives: a folder for each.
  for (const [what, path, mode] of [
    ['a file that everybody could write', 'site.json', 0o666],
    ['a file that its group could write', 'site.json', 0o664],
    ['a folder that everybody could write', '.', 0o777],
  ] as const) {
    test(`with ${what} is not believed`, async () => {
      const shared = makeFolder({ 'site.json': policyFile });
      chmodSync(join(shared, path), mode);
      await assert.rejects(loadPolicy(shared, 'site'), error('file-unsafe', /site\.json/));
    });
  }

  test('with a link through what others could write is not believed; with another one it is', async () => {
    const there = makeFolder({ 'site.json': policyFile });
    const linked = makeFolder({});
    symlinkSync(join(there, 'site.json'), join(linked, 'site.json'));
    assert.equal((await loadPolicy(linked, 'site')).name, 'site');
    const open = makeFolder({ 'site.json': policyFile });
    chmodSync(open, 0o777);
    const misled = makeFolder({});
    symlinkSync(join(open, 'site.json'), join(misled, 'site.json'));
    await assert.rejects(loadPolicy(misled, 'site'), error('file-unsafe', /site\.json/));
  });
});
