import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readCases } from '../../../src/policy/cases.ts';
import { parseDocument } from '../../../src/policy/document.ts';
import { runCases } from '../../../src/policy/run-cases.ts';
import { policyOf, textOf } from './files.ts';

const read = (value: unknown) => readCases('site.test.json', async (name) => parseDocument(name, textOf(value)));
const policy = await policyOf();
const run = async (job: object, expect: object) => {
  const cases = await read({ cases: [{ name: 'x', job, expect }] });
  const [result] = await runCases(cases, async () => policy);
  return result;
};
const differences = async (job: object, expect: object) =>
  (await run(job, expect))?.differences.map(({ what, expected, got }) => `${what}: ${expected} ≠ ${got}`);

suite('a case', () => {
  for (const [what, job, expect] of [
    ['allowed', { image: 'debian' }, { decision: 'allowed' }],
    [
      'allowed with all that comes of it',
      { image: 'debian', pullPolicies: ['never', 'always'] },
      { decision: 'allowed', policy: 'site', image: 'docker.io/library/debian:latest', pullPolicies: ['always'] },
    ],
    ['refused', { image: 'evil.org/x' }, { decision: 'refused' }],
    [
      'refused with its code',
      { image: 'evil.org/x' },
      { decision: 'refused', code: 'policy-image-refused', policy: 'site' },
    ],
    ['without an image', {}, { decision: 'refused', code: 'image-missing' }],
    [
      'with services in both forms',
      { image: 'debian', services: ['redis', { name: 'redis:8', pullPolicies: ['always'] }] },
      { decision: 'allowed' },
    ],
    [
      'with a variable',
      { image: 'debian', variables: ['CI_DEBUG_X'] },
      { decision: 'refused', code: 'policy-variable-refused' },
    ],
  ] as const) {
    test(`that is ${what} is right`, async () => {
      const result = await run(job, expect);
      assert.deepEqual([result?.passed, result?.differences], [true, []]);
    });
  }

  test('that is wrong says what was expected and what came', async () => {
    assert.deepEqual(await differences({ image: 'debian' }, { decision: 'refused', code: 'policy-image-refused' }), [
      'decision: refused ≠ allowed',
      'code: policy-image-refused ≠ none',
    ]);
    assert.deepEqual(await differences({ image: 'evil.org/x' }, { decision: 'allowed', image: 'evil.org/x:latest' }), [
      'decision: allowed ≠ refused',
      'image: evil.org/x:latest ≠ none',
    ]);
    assert.deepEqual(
      await differences({ image: 'debian' }, { decision: 'allowed', policy: 'other', pullPolicies: ['never'] }),
      ['policy: other ≠ site', 'pullPolicies: never ≠ if-not-present'],
    );
    assert.deepEqual(await differences({}, { decision: 'refused', code: 'policy-image-refused' }), [
      'code: policy-image-refused ≠ image-missing',
    ]);
  });

  test('says in which line it stands, and why a job was refused', async () => {
    const result = await run({ image: 'evil.org/x' }, { decision: 'allowed' });
    assert.equal(result?.line, 3);
    assert.match(result?.got.reason ?? '', /does not allow image evil\.org\/x:latest/);
  });

  test('knows what GitLab says of its job', async () => {
    const cases = await read({
      cases: [
        {
          name: 'a',
          job: { project: 'g/p', projectId: 1, namespaceId: 2, userId: 3, protected: true, runner: 'r', image: 'x' },
          expect: { decision: 'allowed' },
        },
        { name: 'b', job: { protected: null, image: 'x' }, expect: { decision: 'allowed' } },
      ],
    });
    const seen: unknown[] = [];
    await runCases(cases, async (facts) => {
      seen.push(facts);
      return policy;
    });
    assert.deepEqual(seen, [
      { projectPath: 'g/p', projectId: 1, namespaceId: 2, userId: 3, protected: true, runner: 'r' },
      {
        projectPath: undefined,
        projectId: 0,
        namespaceId: undefined,
        userId: undefined,
        protected: false,
        runner: undefined,
      },
    ]);
  });

  test('does not hide that a policy cannot be used', async () => {
    const cases = await read({ cases: [{ name: 'x', job: { image: 'debian' }, expect: { decision: 'refused' } }] });
    await assert.rejects(
      runCases(cases, () => policyOf({ cache: 'x' })),
      { code: 'policy-invalid' },
    );
  });
});

suite('a file of cases is refused', () => {
  const good = { name: 'x', job: {}, expect: { decision: 'refused' } };
  for (const [what, value, message] of [
    ['that holds none', { cases: [] }, /cases: holds no cases/],
    ['that holds nothing', {}, /cases: /],
    ['with an unknown key', { cases: [good], case: [] }, /case: unknown key/],
    ['with an unknown key in a case', { cases: [{ ...good, only: true }] }, /cases\[0\]\.only: unknown key/],
    [
      'with an unknown key in a job',
      { cases: [{ ...good, job: { projcet: 'a/b' } }] },
      /job\.projcet: unknown key; did you mean "project"\?/,
    ],
    ['without a decision', { cases: [{ ...good, expect: {} }] }, /cases\[0\]\.expect\.decision/],
    [
      'with a code of what is allowed',
      { cases: [{ ...good, expect: { decision: 'allowed', code: 'image-missing' } }] },
      /expect\.code: unknown key/,
    ],
    [
      'with a code that there is not',
      { cases: [{ ...good, expect: { decision: 'refused', code: 'policy-image-refusd' } }] },
      /did you mean "policy-image-refused"\?/,
    ],
  ] as const) {
    test(what, () => assert.rejects(read(value), { code: 'policy-invalid', message }));
  }
});
