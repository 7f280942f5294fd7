import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { describeGc, failuresOf, type GcOutcome, gcJson, noteGc } from '../../../src/commands/gc/report.ts';
import { BulkheadError } from '../../../src/errors.ts';
import type { JobOutcome } from '../../../src/orphans/remove-orphans.ts';
import { claimed, labelled } from '../orphans/samples.ts';
import { configuration, job } from '../samples.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-gc-'));
after(() => rmSync(root, { recursive: true }));

const objects = [claimed(), claimed({ object: labelled('builds') }), claimed({ object: labelled('network-build') })];
const gone = { orphan: true, reason: 'runner-gone', text: 'its runner process 7 is gone' } as const;
const all = { container: 1, volume: 1, network: 1 };
const none = { container: 0, volume: 0, network: 0 };
const orphan: JobOutcome = { objects, verdict: gone, action: 'removed', removed: all, inUse: [] };
const error = new BulkheadError('cleanup-incomplete', 'objects are left', 'Run gc again.');
const outcome = (changes: Partial<GcOutcome>): GcOutcome => ({
  dryRun: false,
  jobs: [],
  strange: [],
  slices: [],
  caches: undefined,
  failures: [],
  ...changes,
});
const ofJob = (changes: Partial<JobOutcome>) => outcome({ jobs: [{ ...orphan, ...changes }] });

suite('what gc says', () => {
  const prefix = `job 4711 of https://gitlab.example.com (${job.key}): its runner process 7 is gone: `;
  for (const [what, changes, says] of [
    ['removed', {}, 'removed 1 container, 1 volume, 1 network'],
    ['only found', { action: 'found', removed: none }, 'would remove 1 container, 1 volume, 1 network'],
    ['removed by somebody else', { action: 'gone', removed: none }, 'somebody else removed it'],
    ['alive after all', { action: 'alive', removed: none }, 'kept: it came back to life'],
    [
      'left in part',
      { action: 'incomplete', removed: { ...none, container: 1 }, error },
      'NOT WHOLLY REMOVED: 1 container of 1 container, 1 volume, 1 network',
    ],
    [
      'used by somebody',
      { removed: { ...all, volume: 0 }, inUse: ['v'] },
      'removed 1 container, 1 network; kept, since something else uses it: v',
    ],
  ] as const) {
    test(`of an orphan that is ${what}`, () => {
      assert.deepEqual(describeGc(ofJob(changes)), [prefix + says]);
    });
  }

  test('of a job that runs is a number', () => {
    const runs = ofJob({ verdict: { orphan: false, reason: 'runner-running', text: 'it runs' }, action: 'kept' });
    assert.deepEqual(describeGc(runs), []);
    assert.deepEqual(noteGc(runs), ['0 jobs removed, 1 running']);
  });

  test('of what cannot be told is a line', () => {
    const unclear = ofJob({ verdict: { orphan: false, reason: 'runner-unknown', text: 'it hides' }, action: 'kept' });
    assert.deepEqual(noteGc(unclear), [
      `kept: job 4711 (${job.key}): it hides`,
      '0 jobs removed, 0 running, 1 kept, for nobody can tell from here',
    ]);
  });

  test('of what is strange holds no control character', () => {
    const object = labelled('build', { name: 'a\u001b[2J\nb' });
    assert.equal(
      noteGc(outcome({ strange: [{ object, why: 'why' }] }))[0],
      'left alone: container a\\x1b[2J\\x0ab: why',
    );
  });

  test('of a failure is what, why and fix', () => {
    const notes = noteGc(ofJob({ action: 'incomplete', error }));
    assert.deepEqual(notes, [
      'objects are left (cleanup-incomplete)',
      '  Fix: Run gc again.',
      '0 jobs removed, 1 NOT WHOLLY REMOVED, 0 running',
    ]);
  });

  test('of caches and slices', () => {
    const cache = { name: 'bulkhead-cache-x', lastUse: 1, text: 'last used once' };
    const said = outcome({
      slices: [{ name: 'bulkhead-job1.slice', action: 'removed' }],
      caches: [
        { ...cache, action: 'removed' },
        { ...cache, action: 'kept', text: 'a container uses it' },
      ],
    });
    assert.deepEqual(describeGc(said), [
      'slice bulkhead-job1.slice: its job has nothing else: removed',
      'cache bulkhead-cache-x: last used once: removed',
    ]);
    assert.equal(noteGc(said)[0], 'kept: cache bulkhead-cache-x: a container uses it');
  });
});

suite('a failure', () => {
  for (const [what, of] of [
    ['a job', ofJob({ action: 'incomplete', error })],
    ['a cache', outcome({ caches: [{ name: 'c', lastUse: 1, action: 'incomplete', text: '', error }] })],
    ['a slice', outcome({ slices: [{ name: 's', action: 'incomplete', error }] })],
    ['what could not be looked at', outcome({ failures: [error] })],
  ] as const) {
    test(`is ${what}`, () => assert.deepEqual(failuresOf(of), [error]));
  }
  test('is nothing else', () => {
    assert.deepEqual(failuresOf(ofJob({ inUse: ['v'] })), []);
    assert.deepEqual(failuresOf(outcome({ strange: [{ object: labelled('build'), why: '' }] })), []);
  });
});

test('the JSON has the shape that docs/gc.md describes', () => {
  const json = gcJson({
    ...ofJob({ error, inUse: ['v'] }),
    strange: [{ object: labelled('build', { name: 'x' }), why: 'why' }],
    slices: [{ name: 's', action: 'removed' }],
    caches: [{ name: 'c', lastUse: undefined, action: 'kept', text: 'unseen' }],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(json)), {
    schemaVersion: 1,
    dryRun: false,
    jobs: [
      {
        key: job.key,
        id: 4711,
        instance: 'https://gitlab.example.com',
        policy: 'baseline',
        orphan: true,
        reason: 'runner-gone',
        why: 'its runner process 7 is gone',
        action: 'removed',
        deadline: '2027-01-15T10:00:00Z',
        objects: all,
        removed: all,
        inUse: ['v'],
        error: { code: 'cleanup-incomplete', message: 'objects are left', hint: 'Run gc again.' },
      },
    ],
    strange: [{ kind: 'container', name: 'x', why: 'why' }],
    slices: [{ name: 's', action: 'removed' }],
    caches: [{ name: 'c', lastUse: null, action: 'kept', why: 'unseen' }],
    failures: [],
  });
});

suite('bulkhead gc', { concurrency: 2 }, () => {
  const gc = (...args: string[]) => {
    const main = join(import.meta.dirname, '../../../src/main.ts');
    const env = { PATH: process.env['PATH'], HOME: root, SYSTEM_FAILURE_EXIT_CODE: '77' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'gc', ...args], { encoding: 'utf8', env });
    return { status, stdout, stderr };
  };
  const configured = join(root, 'config.json');
  writeFileSync(configured, JSON.stringify({ ...configuration, stateFolder: join(root, 'none') }));

  for (const [what, args, says] of [
    ['an age without a unit', ['--older-than', '5'], /An age is a number with a unit \(s, min, h, d\)/],
    ['no age', ['--older-than'], /argument missing/],
    ["caches' age without a unit", ['--caches-older-than', 'old'], /An age is a number/],
    ['an unknown option', ['--force'], /unknown option '--force'/],
    ['an argument too many', ['4711'], /too many arguments/],
    ['no configuration', ['--config', join(root, 'none.json')], /\(configuration-not-found: /],
    ['nowhere to write receipts', ['--config', configured], /\(receipts-unusable: /],
  ] as const) {
    test(`ends with 2 for ${what}`, () => {
      const { status, stdout, stderr } = gc(...args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  test('explains itself', () => {
    const { status, stdout } = gc('--help');
    assert.equal(status, 0);
    for (const word of ['--dry-run', '--older-than <age>', '--caches-older-than 30d', 'Exit codes: 0']) {
      assert.ok(stdout.includes(word), word);
    }
  });
});
