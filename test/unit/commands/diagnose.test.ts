import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { describeDiagnosis, diagnosisJson } from '../../../src/commands/diagnose/report.ts';
import type { Diagnosis } from '../../../src/diagnosis/diagnosis.ts';
import { symptomOf } from '../../../src/diagnosis/symptoms/all.ts';
import { formatLine, genesis } from '../../../src/receipts/chain.ts';
import { diagnose, endings, failure, made, running } from '../diagnosis/logs.ts';
import { finished, refused, writeLines } from '../receipts/samples.ts';
import { configuration } from '../samples.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-diagnose-'));
after(() => rmSync(root, { recursive: true }));

const stateFolder = join(root, 'state');
mkdirSync(stateFolder, { mode: 0o700 });
writeFileSync(join(root, 'config.json'), JSON.stringify({ ...configuration, socket: join(root, 'none'), stateFolder }));

suite('what diagnose says', () => {
  test('of a failure: stage, fault, symptom, cause, turn, next step and page', async () => {
    const lines = [
      ...made,
      ...failure('sandbox-start-failed', 'newuidmap: exec: "newuidmap": executable file not found'),
    ];
    const text = describeDiagnosis(await diagnose([...lines, ...endings.system.slice(1)]));
    assert.deepEqual(text.split('\n').slice(0, 9), [
      'the job log: failed, at the stage prepare',
      'Fault: the operator of this host has to act',
      '',
      '1. newuidmap or newgidmap is missing (idmap-tools-missing, likely)',
      '   Seen:  line 6: newuidmap: exec: "newuidmap": executable file not found',
      '   Cause: Rootless Podman uses both programs to map subordinate ids.',
      '   Turn:  operator',
      '   Next:  Install the package uidmap; then restart the service.',
      '   More:  docs/setup.md',
    ]);
  });

  test('of foreign text holds no control character, and only its beginning', async () => {
    const hostile = `\u001b]0;title\u0007\u202e${'x'.repeat(5000)}: No space left on device`.padStart(3000);
    const diagnosis = await diagnose([...running, `No space left on device ${hostile}`, ...endings.script]);
    const texts = [describeDiagnosis(diagnosis), JSON.stringify(diagnosisJson([diagnosis]))];
    for (const text of texts) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
      assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      assert.ok(text.length < 3000);
    }
    const subject = describeDiagnosis({ ...diagnosis, subject: 'job\n\u001b[2J', notes: ['\u001b[2J'] });
    assert.ok(subject.startsWith('job\\x0a\\x1b[2J: failed'));
    assert.ok(subject.includes('\n\\x1b[2J\n'));
  });

  test('of a system failure that nothing explains is what to collect', async () => {
    const text = describeDiagnosis(await diagnose([...running, ...endings.system]));
    assert.match(text, /\n\nNothing known fits\. Collect:\n {2}- the whole job log/);
  });

  test('of a script that failed is that it did, and nothing to collect', async () => {
    const text = describeDiagnosis(await diagnose([...running, ...endings.script]));
    assert.match(text, /The job's own script failed/);
    assert.doesNotMatch(text, /Collect/);
  });

  test('of more than three findings is a line each; of what it does not believe, where it stands', () => {
    const finding = (id: string) => {
      const symptom = symptomOf(id) ?? assert.fail(id);
      return { symptom, certainty: 'possible', decisive: true, line: 3, excerpt: 'x', count: 2 } as const;
    };
    const diagnosis: Diagnosis = {
      subject: 'the job log',
      state: 'failed',
      fault: 'job',
      findings: ['disk-full', 'read-only', 'exec-format', 'kvm-missing'].map(finding),
      disbelieved: [{ symptom: finding('podman-unreachable').symptom, line: 12 }],
      notes: [],
    };
    const text = describeDiagnosis(diagnosis);
    assert.match(text, /\n {3}Seen: {2}line 3 and 1 more: x\n/);
    assert.match(text, /\n\nAlso seen:\n {2}kvm-missing: the job starts a virtual machine with KVM \(possible\)\n/);
    assert.match(text, /\n\nNot believed, .*\n {2}line 12 looks like podman-unreachable$/);
  });
});

test('the JSON has the shape that docs/diagnosis.md describes', async () => {
  const diagnosis = await diagnose([...made, ...failure('image-not-found'), ...endings.script.slice(1)]);
  assert.deepEqual(JSON.parse(JSON.stringify(diagnosisJson([diagnosis]))), {
    schemaVersion: 1,
    diagnoses: [
      {
        subject: 'the job log',
        state: 'failed',
        stage: 'prepare',
        fault: 'job',
        findings: [
          {
            id: 'image-not-found',
            title: 'the image does not exist',
            certainty: 'likely',
            decisive: true,
            stage: 'prepare',
            line: 6,
            excerpt: 'what went wrong',
            count: 1,
            cause: 'Its message says why.',
            blame: 'job',
            next: 'Check its name and tag; of localhost/… images, the operator says which there are.',
            page: 'docs/errors.md#image-not-found',
          },
        ],
        disbelieved: [],
        notes: [],
      },
    ],
  });
});

suite('bulkhead diagnose', { concurrency: 2 }, () => {
  const run = (args: readonly string[], input = '') => {
    const main = join(import.meta.dirname, '../../../src/main.ts');
    const env = {
      PATH: process.env['PATH'],
      HOME: root,
      SYSTEM_FAILURE_EXIT_CODE: '77',
      BULKHEAD_CONFIG: join(root, 'config.json'),
    };
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'diagnose', ...args], {
      encoding: 'utf8',
      env,
      input,
    });
    return { status, stdout, stderr };
  };
  const good = [...running, ...endings.succeeded].join('\n');
  const bad = [...running, ...endings.script].join('\n');
  writeFileSync(join(root, 'bad.log'), bad);
  writeLines(stateFolder, [
    formatLine(genesis, new Date(), refused),
    formatLine(genesis, new Date(), { ...finished, job: { ...finished.job, key: '4712-0123456789ab', id: 4712 } }),
  ]);

  for (const [what, args, input, status, says] of [
    ['0 for a log without a failure', ['-'], good, 0, /^the job log: succeeded\n/],
    ['1 for a log with one', ['-'], bad, 1, /^the job log: failed, at the stage build_script\n/],
    ['1 for a file with one', [join(root, 'bad.log')], '', 1, /^the job log: failed/],
    ['1 for a job with a receipt of one', ['4711'], '', 1, /\n1\. .* \(policy-image-refused, sure\)\n/],
    ['0 for a job with none', ['4712'], '', 0, /^job 4712 .*: is over\n/],
    ['1 and JSON', ['--json', '-'], bad, 1, /^\{"schemaVersion":1,"diagnoses":\[\{.*\n$/],
  ] as const) {
    test(`ends with ${what}`, () => {
      const result = run(args, input);
      assert.equal(result.status, status, result.stderr);
      assert.match(result.stdout, says);
    });
  }

  for (const [what, args, says] of [
    ['a job that nobody knows', ['4799'], /there is no receipt of a job 4799 in /],
    ['a file that is not there', ['none.log'], /none\.log cannot be read: ENOENT/],
    ['a folder', [root], /cannot be read: EISDIR/],
    ['nothing named', [], /missing required argument 'what'/],
    ['an unknown option', ['--force', '-'], /unknown option '--force'/],
  ] as const) {
    test(`ends with 2 for ${what}`, () => {
      const { status, stdout, stderr } = run(args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  test('says when Podman cannot be asked, and goes by the receipts', () => {
    assert.match(
      run(['4711']).stderr,
      /^What Podman holds of the job cannot be seen: the Podman service does not answer/,
    );
  });

  test('explains itself', () => {
    const { status, stdout } = run(['--help']);
    assert.equal(status, 0);
    for (const word of ['--json', 'bulkhead diagnose 4711', 'Exit codes: 0']) assert.ok(stdout.includes(word), word);
  });
});
