import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readCases } from '../../../src/policy/cases.ts';
import { checkFolder } from '../../../src/policy/check.ts';
import { parseDocument } from '../../../src/policy/document.ts';
import { jsonSchema, schemaNames } from '../../../src/policy/json-schema.ts';
import { assignedPolicy, loadPolicy } from '../../../src/policy/load.ts';
import { runCases } from '../../../src/policy/run-cases.ts';
import { parseSeccompProfile } from '../../../src/sandbox/seccomp-profile.ts';

const root = join(import.meta.dirname, '../../..');
const folder = join(root, 'policies');
const names = readdirSync(folder).sort();
const read = async (path: string) => readFileSync(path, 'utf8');
const policies = ['baseline', 'hermetic', 'restricted'];

suite('the shipped policies', () => {
  test('are as check wants them, and their seccomp profiles exist', async () => {
    const { findings, policies: found } = await checkFolder({
      names,
      read: (name) => read(join(folder, name)),
      requireProfile: async (name) => {
        const path = join(root, 'seccomp', `${name}.json`);
        return parseSeccompProfile(path, await read(path));
      },
    });
    assert.deepEqual(
      findings.filter(({ level }) => level !== 'info'),
      [],
    );
    assert.deepEqual(
      found.map(({ name }) => name),
      policies,
    );
  });

  for (const name of [...policies, 'assignments']) {
    test(`${name} has cases, evil twins among them, and all come out as expected`, async () => {
      const cases = await readCases(`${name}.test.json`, async (file) =>
        parseDocument(file, await read(join(folder, file))),
      );
      const results = await runCases(cases, async (facts) =>
        name === 'assignments' ? (await assignedPolicy(folder, facts, read)).policy : loadPolicy(folder, name, read),
      );
      assert.deepEqual(
        results.filter(({ passed }) => !passed),
        [],
      );
      assert.ok(results.some((result) => result.name.startsWith('evil twin')));
    });
  }

  for (const [name, network] of [
    ['baseline', { helper: 'egress', build: 'egress', services: 'job' }],
    ['restricted', { helper: 'egress', build: 'none', services: 'none' }],
    ['hermetic', { helper: 'listed', build: 'none', services: 'none' }],
  ] as const) {
    test(`${name} lets jobs reach what it says, GitLab at most beside it, and requires that it is so`, async () => {
      const { settings } = await loadPolicy(folder, name, read);
      assert.deepEqual(settings.network, { ...network, allow: [{ to: 'gitlab' }] });
      assert.ok(settings.require.includes('network.egress') && settings.require.includes('network.isolation'));
    });
  }

  test('each name their schema', async () => {
    for (const name of names.filter((one) => one.endsWith('.json') && !one.endsWith('.schema.json'))) {
      const kind = name.endsWith('.test.json') ? 'cases' : name === 'assignments.json' ? 'assignments' : 'policy';
      assert.equal(JSON.parse(await read(join(folder, name))).$schema, `./${kind}.schema.json`, name);
    }
  });
});

suite('the published schema of', () => {
  for (const name of schemaNames) {
    test(`${name} is up to date: bulkhead policy schema ${name} > policies/${name}.schema.json`, async () => {
      assert.deepEqual(JSON.parse(await read(join(folder, `${name}.schema.json`))), jsonSchema(name));
    });

    test(`${name} refuses unknown keys everywhere, and says what each key means`, () => {
      const visit = (schema: unknown, path: string): void => {
        if (typeof schema !== 'object' || schema === null) return;
        const { type, properties, propertyNames, additionalProperties } = schema as Record<string, unknown>;
        if (type === 'object' && propertyNames === undefined) assert.equal(additionalProperties, false, path);
        for (const [key, inner] of Object.entries((properties as object | undefined) ?? {})) {
          const isPlain = ['namespaceId', 'userId', 'soft', 'hard', 'name', 'policy', 'decision', 'image'].includes(
            key,
          );
          const text = JSON.stringify(inner);
          assert.ok(isPlain || text.includes('"description"'), `${path}.${key} has no description`);
        }
        for (const [key, inner] of Object.entries(schema)) visit(inner, `${path}.${key}`);
      };
      visit(jsonSchema(name), name);
    });
  }

  test('policies has patterns for what editors could get wrong', () => {
    const text = JSON.stringify(jsonSchema('policy'));
    for (const part of [
      'KiB|MiB|GiB',
      '(s|min|h)',
      'sha256:[0-9a-f]{64}',
      '"uniqueItems":true',
      '"SYS_ADMIN"',
      '"network.isolation"',
      '"listed"',
      '^[a-z0-9._-]+(/[0-9]{1,2})?$',
      '^[0-9]{1,5}-[0-9]{1,5}$',
    ]) {
      assert.ok(text.includes(part), part);
    }
  });
});

test('the example of docs/policies.md is what it says', async () => {
  const text = await read(join(root, 'docs/policies.md'));
  const files = new Map(
    [...text.matchAll(/^\*\*`([\w.]+)`\*\*\n\n```json\n([\s\S]*?)```/gm)].map(([, name, json]) => [name, json]),
  );
  assert.deepEqual([...files.keys()].sort(), [
    'assignments.json',
    'assignments.test.json',
    'release.json',
    'site.json',
  ]);
  for (const name of policies) files.set(`${name}.json`, await read(join(folder, `${name}.json`)));
  const example = async (name: string) => files.get(name.split('/').at(-1) ?? '');
  const { findings } = await checkFolder({
    names: [...files.keys()].map(String),
    read: example,
    requireProfile: undefined,
  });
  assert.deepEqual(
    findings.filter(({ file, level }) => level !== 'info' || file === 'site.json'),
    [],
  );
  const cases = await readCases('assignments.test.json', async (name) =>
    parseDocument(name, (await example(name)) ?? ''),
  );
  const results = await runCases(cases, async (facts) => (await assignedPolicy('example', facts, example)).policy);
  assert.deepEqual(
    results.filter(({ passed }) => !passed),
    [],
  );
});

test('docs/policies.md has every setting', async () => {
  const text = await read(join(root, 'docs/policies.md'));
  const { origins } = await loadPolicy(folder, 'baseline', read);
  for (const path of origins.keys()) {
    const name = path.replace(/\[.*/, '').replace(/^(services|ulimits)\..*/, '$1.*');
    assert.ok(text.includes(`| \`${name}\``), name);
  }
});
