import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BulkheadError } from '../../../src/errors.ts';
import { readCases } from '../../../src/policy/cases.ts';
import { checkAssignments } from '../../../src/policy/check-assignments.ts';
import { checkSettings } from '../../../src/policy/check-settings.ts';
import { decide } from '../../../src/policy/decide.ts';
import { type Document, parseDocument } from '../../../src/policy/document.ts';
import { explainAssignments } from '../../../src/policy/explain.ts';
import { parseAssignments } from '../../../src/policy/load.ts';
import { resolvePolicy } from '../../../src/policy/policy.ts';
import { runCases } from '../../../src/policy/run-cases.ts';
import { parseJob } from '../../../src/runner/job.ts';
import { specifyJob } from '../../../src/sandbox/specify.ts';
import { hostOffer, job, jobResponse, owner, policyFile, settings } from '../samples.ts';
import { policyOf } from './files.ts';
import { Dice, mutateText, mutateValue } from './mutation.ts';

/** BULKHEAD_FUZZ_SEED repeats a run, BULKHEAD_FUZZ_RUNS makes a longer one. */
const seed = Number(process.env['BULKHEAD_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const total = Number(process.env['BULKHEAD_FUZZ_RUNS'] ?? 100_000);
const slowestMs = 2000;
// Tens of thousands of errors are made, and nobody reads where.
Error.stackTraceLimit = 0;

const site = {
  extends: 'base',
  limits: { memory: '1GiB', log: 'unlimited' },
  tmpfs: { '/run': '1MiB', '/tmp': 'none' },
};
const assignments = {
  assignments: [
    { match: { project: ['group/**', '*/app'], protected: true }, policy: 'site' },
    { match: { projectId: [1, 42], namespaceId: 7, userId: 3, runner: 'x-*' }, policy: 'base', description: 'x' },
    { match: {}, policy: 'base' },
  ],
};
const cases = {
  cases: [
    {
      name: 'x',
      job: { project: 'a/b', image: 'debian', services: ['a', { name: 'b' }] },
      expect: { decision: 'allowed' },
    },
    { name: 'y', job: { image: 'x', variables: ['A'] }, expect: { decision: 'refused', code: 'policy-image-refused' } },
  ],
};
const response = jobResponse({
  job_info: { project_id: 42, project_full_path: 'group/app', namespace_id: 7, user_id: 3 },
  image: { name: 'debian:12', pull_policy: ['always'] },
  services: [{ name: 'redis:8', alias: 'x' }],
});
const policy = await policyOf();

/** Does something with each of many mutated inputs; it may succeed, or be refused as `expected` says. */
async function fuzz(
  runs: number,
  make: (dice: Dice) => string,
  use: (text: string) => unknown,
  expected: (error: BulkheadError) => boolean,
): Promise<{ accepted: number; refused: number }> {
  const counts = { accepted: 0, refused: 0 };
  for (let run = 0; run < runs; run++) {
    const dice = new Dice(seed + run);
    const text = make(dice);
    const start = performance.now();
    try {
      await use(text);
      counts.accepted++;
    } catch (error) {
      if (!(error instanceof BulkheadError && expected(error))) {
        throw new Error(`BULKHEAD_FUZZ_SEED=${seed + run} BULKHEAD_FUZZ_RUNS=10: ${text.slice(0, 2000)}`, {
          cause: error,
        });
      }
      counts.refused++;
    }
    assert.ok(
      performance.now() - start < slowestMs,
      `BULKHEAD_FUZZ_SEED=${seed + run}: too slow: ${text.slice(0, 2000)}`,
    );
  }
  return counts;
}

const mutate = (value: unknown) => (dice: Dice) => {
  const text = JSON.stringify(dice.below(4) === 0 ? value : mutateValue(value, dice));
  return dice.below(4) === 0 ? mutateText(text, dice) : text;
};
/** A file, its line, and a path in it; or what is wrong with it as a whole. */
const namesPath = ({ code, message }: BulkheadError) =>
  code === 'policy-invalid' &&
  /^[a-z.]+\.json:\d+: (not JSON|not set|more than|does not exist|[\w$[(]).*/s.test(message);

suite(`${total} mutated files are each accepted, or refused with a path`, () => {
  const both = ({ accepted, refused }: { accepted: number; refused: number }) =>
    assert.ok(accepted > 100 && refused > 100, `${accepted} accepted, ${refused} refused`);

  test('policies, and what they extend', async () => {
    const sound = {
      base: parseDocument('base.json', JSON.stringify(policyFile)),
      site: parseDocument('site.json', JSON.stringify(site)),
    };
    for (const broken of ['base', 'site'] as const) {
      const use = async (text: string) => {
        const files = new Map<string, Document>(
          Object.entries({ ...sound, [broken]: parseDocument(`${broken}.json`, text) }),
        );
        const resolved = await resolvePolicy('site', async (name) => files.get(name));
        assert.ok(resolved !== undefined);
        checkSettings(resolved, () => 1);
        specifyJob(job, resolved.settings, hostOffer, owner);
        try {
          decide(resolved, job.request);
        } catch (error) {
          assert.ok(error instanceof BulkheadError && error.blame === 'job', String(error));
        }
      };
      both(await fuzz(total * 0.1, mutate(broken === 'base' ? policyFile : site), use, namesPath));
    }
  });

  test('assignments', async () => {
    const use = (text: string) => {
      const document = parseDocument('assignments.json', text);
      const read = { document, list: parseAssignments(document) };
      checkAssignments(read);
      const { projectPath, projectId, namespaceId, userId } = job;
      explainAssignments(read, { projectPath, projectId, namespaceId, userId, protected: true, runner: 'x-1' });
    };
    both(await fuzz(total * 0.1, mutate(assignments), use, namesPath));
  });

  test('cases', async () => {
    const use = async (text: string) => {
      const read = await readCases('site.test.json', async (name) => parseDocument(name, text));
      await runCases(read, async () => policy);
    };
    both(await fuzz(total * 0.1, mutate(cases), use, namesPath));
  });

  test('descriptions of jobs', async () => {
    const use = (text: string) => {
      const parsed = parseJob(parse(text));
      specifyJob(parsed, settings, hostOffer, owner);
      try {
        decide(policy, parsed.request);
      } catch (error) {
        assert.ok(error instanceof BulkheadError && error.blame === 'job', String(error));
      }
    };
    const unreadable = ({ code, message }: BulkheadError) =>
      code === 'job-response-unreadable' && /cannot be read: \S/.test(message);
    const make = (dice: Dice) => JSON.stringify(mutateValue(response, dice));
    both(await fuzz(total * 0.6, make, use, unreadable));
  });
});

function parse(text: string): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}
