import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JobFacts } from '../../../src/policy/assignment.ts';
import { parseDocument } from '../../../src/policy/document.ts';
import { explainAssignments, explainSettings } from '../../../src/policy/explain.ts';
import { parseAssignments } from '../../../src/policy/load.ts';
import { policyFile } from '../samples.ts';
import { resolve, textOf } from './files.ts';

const facts: JobFacts = {
  projectPath: 'group/app',
  projectId: 42,
  namespaceId: undefined,
  userId: 3,
  protected: true,
  runner: undefined,
};

suite('of a project under several assignments', () => {
  const document = parseDocument(
    'assignments.json',
    [
      '{ "assignments": [',
      '  { "match": { "project": "other/**" }, "policy": "a" },',
      '  { "match": { "project": "group/**", "namespaceId": 7, "protected": false }, "policy": "b" },',
      '  { "match": { "project": ["x/*", "group/*"], "protected": true }, "policy": "c", "description": "why" },',
      '  { "match": { "project": "group/app" }, "policy": "d" },',
      '  { "match": {}, "policy": "e" }',
      ']}',
    ].join('\n'),
  );
  const verdicts = explainAssignments({ document, list: parseAssignments(document) }, facts);

  test('the first whose conditions hold wins, and others would have', () => {
    assert.deepEqual(
      verdicts.map(({ number, line, policy, verdict }) => [number, line, policy, verdict]),
      [
        [1, 2, 'a', 'failed'],
        [2, 3, 'b', 'failed'],
        [3, 4, 'c', 'won'],
        [4, 5, 'd', 'late'],
        [5, 6, 'e', 'late'],
      ],
    );
    assert.equal(verdicts[2]?.description, 'why');
  });

  test('each condition is told with what it wants, what is so, and whether it holds', () => {
    assert.deepEqual(verdicts[1]?.conditions, [
      { name: 'project', wanted: 'group/**', fact: 'group/app', holds: true },
      { name: 'namespaceId', wanted: 7, fact: null, holds: false },
      { name: 'protected', wanted: false, fact: true, holds: false },
    ]);
    assert.deepEqual(verdicts[2]?.conditions, [
      { name: 'project', wanted: ['x/*', 'group/*'], fact: 'group/app', holds: true },
      { name: 'protected', wanted: true, fact: true, holds: true },
    ]);
    assert.deepEqual(verdicts[4]?.conditions, []);
  });
});

suite('of a policy', () => {
  const files = {
    base: policyFile,
    middle: { extends: 'base', limits: { memory: '2GiB' }, capabilities: ['CHOWN'] },
    site: { extends: 'middle', limits: { memory: '1GiB' }, tmpfs: { '/tmp': '1GiB' } },
  };
  const explain = async () => {
    const documents = Object.entries(files).map(([name, value]) => parseDocument(`${name}.json`, textOf(value)));
    return explainSettings(await resolve(files), documents);
  };

  test('every setting is told as it is written, with the place and all that it replaced', async () => {
    const settings = new Map((await explain()).map((setting) => [setting.path, setting]));
    assert.deepEqual(settings.get('limits.memory'), {
      path: 'limits.memory',
      value: '1GiB',
      file: 'site.json',
      line: 4,
      overrides: [
        { path: 'limits.memory', value: '2GiB', file: 'middle.json', line: 4 },
        { path: 'limits.memory', value: '4GiB', file: 'base.json', line: 55 },
      ],
    });
    assert.deepEqual(
      settings.get('capabilities')?.overrides.map(({ value }) => value),
      [['CHOWN', 'SETGID', 'SETUID']],
    );
    assert.deepEqual(
      settings.get('tmpfs["/tmp"]')?.overrides.map(({ value, file }) => [value, file]),
      [['2GiB', 'base.json']],
    );
    assert.deepEqual(settings.get('limits.cpus'), {
      path: 'limits.cpus',
      value: 2,
      file: 'base.json',
      line: 56,
      overrides: [],
    });
  });

  test('none is left out', async () => {
    const told = (await explain()).map(({ path }) => path);
    const { origins } = await resolve(files);
    assert.deepEqual(told.sort(), [...origins.keys()].sort());
    assert.equal(told.length, 29);
  });
});
