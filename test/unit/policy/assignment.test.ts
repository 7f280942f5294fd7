import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { failedCondition, findAssignment, type JobFacts } from '../../../src/policy/assignment.ts';
import type { Match } from '../../../src/policy/schema.ts';

const facts: JobFacts = {
  projectPath: 'group/project',
  projectId: 42,
  namespaceId: 7,
  userId: 3,
  protected: true,
  runner: 'shared-1',
};
const holds = (match: Match, changes: Partial<JobFacts> = {}) =>
  failedCondition(match, { ...facts, ...changes }) === undefined;

suite('a condition on', () => {
  test('nothing holds for every job', () => {
    const nothing = { projectPath: undefined, projectId: 1, namespaceId: undefined, userId: undefined } as const;
    assert.ok(holds({}, { ...nothing, protected: false, runner: undefined }));
  });

  test('the project holds for its path, whatever the case: GitLab has no two that differ in it', () => {
    for (const project of ['group/project', 'group/*', 'group/**', '**', 'GROUP/Project'])
      assert.ok(holds({ project }));
    assert.ok(holds({ project: 'group/*' }, { projectPath: 'Group/X' }));
    assert.ok(holds({ project: ['other/*', 'group/*'] }));
  });

  for (const projectPath of [
    'group-evil/project',
    'evil/group/project',
    'group/project-evil',
    'group',
    'xgroup/project',
  ]) {
    test(`the project does not hold for the evil twin ${projectPath}`, () => {
      assert.ok(!holds({ project: 'group/project' }, { projectPath }));
      assert.ok(!holds({ project: 'group/project/**' }, { projectPath }));
    });
  }

  test('the project does not hold when GitLab does not say it, even for every project', () => {
    assert.ok(!holds({ project: '**' }, { projectPath: undefined }));
  });

  test('ids holds for one of them, and never for one that is not known', () => {
    assert.ok(holds({ projectId: 42, namespaceId: [1, 7], userId: [3] }));
    assert.ok(!holds({ projectId: 4 }));
    assert.ok(!holds({ namespaceId: [1, 2] }));
    assert.ok(!holds({ namespaceId: 7 }, { namespaceId: undefined }));
    assert.ok(!holds({ userId: 3 }, { userId: undefined }));
  });

  test('protection holds for what it says', () => {
    assert.ok(holds({ protected: true }));
    assert.ok(!holds({ protected: false }));
    assert.ok(holds({ protected: false }, { protected: false }));
  });

  test('the runner holds for its name, with its case', () => {
    assert.ok(holds({ runner: 'shared-*' }));
    assert.ok(!holds({ runner: 'Shared-*' }));
    assert.ok(!holds({ runner: '*' }, { runner: undefined }));
  });

  test('several things holds when all of it does, and the first that does not is named', () => {
    assert.ok(holds({ project: 'group/*', protected: true, userId: 3 }));
    assert.equal(failedCondition({ project: 'group/*', userId: 4, protected: false }, facts), 'userId');
  });
});

suite('of the assignments', () => {
  const list = [
    { match: { project: 'group/secret' }, policy: 'restricted' },
    { match: { project: 'group/**', protected: true }, policy: 'trusted' },
    { match: { project: 'group/**' }, policy: 'baseline' },
  ];

  test('the first that matches decides', () => {
    assert.equal(findAssignment(list, { ...facts, projectPath: 'group/secret' }), 0);
    assert.equal(findAssignment(list, facts), 1);
    assert.equal(findAssignment(list, { ...facts, protected: false }), 2);
  });

  test('none may', () => assert.equal(findAssignment(list, { ...facts, projectPath: 'other/project' }), -1));
});
