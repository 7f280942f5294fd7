import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { describeJobs, formatSpan, type ListedJob, notePs, psJson } from '../../../src/commands/ps/report.ts';
import { claimed, labelled, made } from '../orphans/samples.ts';
import { configuration, job } from '../samples.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-ps-'));
after(() => rmSync(root, { recursive: true }));

const common = { exitCode: 0, oomKilled: false, runtime: 'runsc' };
const listed: ListedJob = {
  objects: [claimed({}, { createdAt: made + 60 }), claimed({ object: labelled('builds') })],
  verdict: { orphan: false, reason: 'runner-running', text: 'its runner process 7 runs' },
  sandboxes: [
    { ...common, role: 'build', image: 'docker.io/library/debian:12', state: 'running' },
    { ...common, role: 'courier', image: 'localhost/helper:1', state: 'created', runtime: 'runsc' },
    {
      ...common,
      role: 'service-0',
      image: 'docker.io/library/redis:7',
      state: 'exited',
      exitCode: 137,
      oomKilled: true,
    },
  ],
};
const orphan: ListedJob = {
  ...listed,
  verdict: { orphan: true, reason: 'runner-gone', text: 'its runner process 7 is gone' },
  sandboxes: [],
};
const strange = { object: labelled('build', { name: 'a\u001b[2J\nb' }), why: 'why' };

suite('what ps says', () => {
  test('of a job, and of each of its containers', () => {
    assert.deepEqual(describeJobs([listed], made + 3700), [
      `job 4711 of https://gitlab.example.com (${job.key}), policy "baseline", for 1h 1min, until 2027-01-15T10:00:00Z`,
      '  its runner process 7 runs',
      '  build      running  runsc  docker.io/library/debian:12',
      '  courier    created  runsc  localhost/helper:1',
      '  service-0  exited   runsc  docker.io/library/redis:7',
    ]);
    assert.deepEqual(notePs([listed], []), ['1 job']);
  });

  test('of an orphan, and of what is not listed', () => {
    const lines = describeJobs([orphan], made);
    assert.deepEqual(lines.slice(1), ['  ORPHAN: its runner process 7 is gone']);
    assert.deepEqual(notePs([listed, orphan], [strange]), [
      'not listed: container a\\x1b[2J\\x0ab: why',
      '2 jobs, 1 orphan among them: run bulkhead gc',
    ]);
  });

  test('of a job whose age Podman does not tell', () => {
    const ageless = { ...listed, objects: [claimed({}, { createdAt: undefined })] };
    assert.match(describeJobs([ageless], made)[0] ?? '', /, of unknown age, until /);
  });

  test('of labels and images is escaped and bounded', () => {
    const hostile = '\u001b[2J\n\u202e'.repeat(2000);
    const lines = describeJobs(
      [
        {
          objects: [claimed({ instance: hostile, policy: { name: hostile, hash: '' } })],
          verdict: { orphan: false, reason: 'runner-unknown', text: hostile },
          sandboxes: [{ ...common, role: hostile, image: hostile, state: hostile, runtime: hostile }],
        },
      ],
      made,
    );
    assert.equal(lines.length, 3);
    for (const line of lines) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
      assert.doesNotMatch(line, /[\u0000-\u001f\u202e]/);
      assert.ok(line.length < 20_000);
    }
  });

  for (const [seconds, text] of [
    [-5, '0s'],
    [59.9, '59s'],
    [60, '1min'],
    [3600, '1h 0min'],
    [90_061, '1d 1h'],
  ] as const) {
    test(`of ${seconds} seconds is ${text}`, () => assert.equal(formatSpan(seconds), text));
  }
});

test('the JSON has the shape that docs/gc.md describes', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(psJson([listed], [strange]))), {
    schemaVersion: 1,
    jobs: [
      {
        key: job.key,
        id: 4711,
        instance: 'https://gitlab.example.com',
        policy: 'baseline',
        made: '2027-01-15T08:00:00Z',
        deadline: '2027-01-15T10:00:00Z',
        orphan: false,
        reason: 'runner-running',
        why: 'its runner process 7 runs',
        objects: { container: 1, volume: 1, network: 0 },
        sandboxes: [
          {
            role: 'build',
            state: 'running',
            exitCode: null,
            oomKilled: false,
            runtime: 'runsc',
            image: 'docker.io/library/debian:12',
          },
          {
            role: 'courier',
            state: 'created',
            exitCode: null,
            oomKilled: false,
            runtime: 'runsc',
            image: 'localhost/helper:1',
          },
          {
            role: 'service-0',
            state: 'exited',
            exitCode: 137,
            oomKilled: true,
            runtime: 'runsc',
            image: 'docker.io/library/redis:7',
          },
        ],
      },
    ],
    strange: [{ kind: 'container', name: 'a\u001b[2J\nb', why: 'why' }],
  });
});

suite('bulkhead ps', () => {
  const ps = (...args: string[]) => {
    const main = join(import.meta.dirname, '../../../src/main.ts');
    const env = { PATH: process.env['PATH'], HOME: root, SYSTEM_FAILURE_EXIT_CODE: '77' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'ps', ...args], { encoding: 'utf8', env });
    return { status, stdout, stderr };
  };
  const silent = join(root, 'config.json');
  writeFileSync(silent, JSON.stringify({ ...configuration, socket: join(root, 'none') }));

  for (const [what, args, says] of [
    ['no Podman', ['--config', silent], /\(podman-unreachable: /],
    ['no configuration', ['--config', join(root, 'none.json')], /\(configuration-not-found: /],
    ['an argument too many', ['4711'], /too many arguments/],
  ] as const) {
    test(`ends with 2 for ${what}`, () => {
      const { status, stdout, stderr } = ps(...args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  test('explains itself', () => {
    const { status, stdout } = ps('--help');
    assert.equal(status, 0);
    for (const word of ['--json', 'bulkhead ps', 'Exit codes: 0']) assert.ok(stdout.includes(word), word);
  });
});
