import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { type Document, parseDocument } from '../../../src/policy/document.ts';
import { merge } from '../../../src/policy/merge.ts';
import { canonical } from '../../../src/policy/policy.ts';
import { policyFragments } from './policies.ts';

const file = (name: string, value: unknown): Document => parseDocument(name, JSON.stringify(value, null, 2));

suite('merging', () => {
  test('takes the keys of a section one by one, and everything else as a whole', () => {
    const { settings } = merge([
      file('a.json', {
        description: 'a',
        limits: { memory: '1GiB', pids: 100 },
        capabilities: ['CHOWN', 'KILL'],
        tmpfs: { '/tmp': '1GiB', '/run': '1MiB' },
        ulimits: { nofile: { soft: 1, hard: 2 } },
        images: { allow: ['a.io/**'], digest: 'optional' },
        cache: 'project',
      }),
      file('b.json', {
        extends: 'a',
        limits: { memory: '2GiB' },
        capabilities: ['SETUID'],
        tmpfs: { '/run': 'none' },
        ulimits: { nofile: 9 },
        images: { allow: ['b.io/**'] },
      }),
    ]);
    assert.deepEqual(settings, {
      limits: { memory: '2GiB', pids: 100 },
      capabilities: ['SETUID'],
      tmpfs: { '/tmp': '1GiB', '/run': 'none' },
      ulimits: { nofile: 9 },
      images: { allow: ['b.io/**'], digest: 'optional' },
      cache: 'project',
    });
  });

  test('says of every setting where it was set', () => {
    const { origins } = merge([
      file('a.json', { limits: { memory: '1GiB', pids: 100 }, cache: 'none', tmpfs: { '/tmp': '1GiB' } }),
      file('b.json', { limits: { memory: '2GiB' } }),
    ]);
    assert.deepEqual(
      [...origins.values()],
      [
        { path: 'limits.memory', file: 'b.json', line: 3, value: '2GiB' },
        { path: 'limits.pids', file: 'a.json', line: 4, value: 100 },
        { path: 'cache', file: 'a.json', line: 6, value: 'none' },
        { path: 'tmpfs["/tmp"]', file: 'a.json', line: 8, value: '1GiB' },
      ],
    );
  });
});

suite('for any files', () => {
  const settingsOf = (...values: object[]) =>
    merge(values.map((value, index) => file(`${index}.json`, value))).settings;
  const same = (a: unknown, b: unknown) => assert.equal(canonical(a), canonical(b));

  test('a file over nothing is itself, and nothing over it changes nothing', () => {
    fc.assert(
      fc.property(policyFragments, (one) => {
        same(settingsOf(one), one);
        same(settingsOf(one, {}), one);
        same(settingsOf({}, one), one);
        same(settingsOf(one, one), one);
      }),
    );
  });

  test('it is the same in which order a chain is folded', () => {
    fc.assert(
      fc.property(policyFragments, policyFragments, policyFragments, (a, b, c) => {
        same(settingsOf(a, b, c), settingsOf(settingsOf(a, b), c));
        same(settingsOf(a, b, c), settingsOf(a, settingsOf(b, c)));
      }),
    );
  });

  test('what stands last decides, key by key; the order matters for nothing else', () => {
    fc.assert(
      fc.property(policyFragments, policyFragments, (a, b) => {
        const { settings, origins } = merge([file('a.json', a), file('b.json', b)]);
        const flat = (value: object): Map<string, unknown> =>
          new Map(
            Object.entries(value).flatMap(([section, inner]): [string, unknown][] =>
              typeof inner === 'object' && !Array.isArray(inner)
                ? Object.entries(inner as object).map(([key, one]): [string, unknown] => [`${section} ${key}`, one])
                : [[section, inner]],
            ),
          );
        const [first, last, both] = [flat(a), flat(b), flat(settings)];
        assert.deepEqual(new Set(both.keys()), new Set([...first.keys(), ...last.keys()]));
        for (const [key, value] of both) assert.deepEqual(value, last.has(key) ? last.get(key) : first.get(key), key);
        assert.equal(origins.size, both.size);
        for (const { file: from } of origins.values()) assert.ok(['a.json', 'b.json'].includes(from));
        const disjoint = [...first.keys()].every((key) => !last.has(key));
        if (disjoint) same(settings, merge([file('b.json', b), file('a.json', a)]).settings);
      }),
    );
  });
});
