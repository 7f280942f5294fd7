import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { execa } from 'execa';
import { tableName } from '../../src/network/ruleset.ts';
import { customBlock } from '../../src/runner/custom-block.ts';
import { callLines, helps, pages } from '../documented-calls.ts';
import { configuration, images, layout, TestJob } from './host.ts';

const root = join(import.meta.dirname, '../..');
const driver = join(root, 'bin/bulkhead');

/** Calls that want a host of their own: the test, or the page that a test plays, and how it makes them. */
const elsewhere: Readonly<Record<string, readonly [file: string, call?: string]>> = {
  'bulkhead init': ['docs/walk-through.md'],
  'bulkhead init --merge /etc/gitlab-runner/config.toml': ['docs/walk-through.md'],
  'bulkhead init --uninstall': ['docs/walk-through.md'],
  'bulkhead init --uninstall --purge': ['docs/walk-through.md'],
  'bulkhead init --helper-image /root/helper.tar': ['test/vm/init.test.ts', "init('--helper-image', archives.helper"],
};

/** With what a call ends here, if not with 0. */
const otherExitCodes: Readonly<Record<string, readonly number[]>> = {
  // That of the job failed.
  'bulkhead diagnose job.log': [1],
  'bulkhead diagnose - < job.log': [1],
  'bulkhead diagnose --json job.log': [1],
  // Set-up copies policies without their cases.
  'bulkhead policy test': [2],
  // Not every host of tests gives all that it requires.
  'bulkhead policy check --strict --host': [0, 1],
  'bulkhead doctor --policy restricted': [0, 1],
  'bulkhead doctor --policy restricted --gitlab-runner-config /srv/gitlab-runner/config.toml': [0, 1],
  "bulkhead local 'test: [3.13]' --policy restricted --variable LEVEL=debug": [0, 2],
};

/** A pipeline with the jobs of the pages: in a matrix, and as they are. */
const pipeline = (test: string) => `default:
  image: ${images.busybox}
test:
  script: echo "$ONE"
${test}
deploy:
  script: '[ "$(cat "$KEY")" = secret ]'
`;

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-documented-'));
after(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);
const write = (name: string, text: string) => {
  mkdirSync(dirname(inFolder(name)), { recursive: true });
  writeFileSync(inFolder(name), text, { mode: 0o644 });
};

/** What the pages suppose to be there, and its names in this folder. */
const stand: [documented: string | RegExp, here: () => string][] = [];

before(async () => {
  symlinkSync(driver, inFolder('bulkhead'));
  for (const name of ['policies', 'seccomp']) cpSync(join(root, name), inFolder(name), { recursive: true });
  write('config.toml', `[[runners]]\n  name = "documented"\n  executor = "custom"\n${customBlock(driver)}`);
  write('job.log', 'Running with gitlab-runner 19.4.0\nERROR: Job failed: exit status 1\n');
  for (const [name, test] of [
    ['plain', ''],
    ['matrix', "  parallel: { matrix: [{ ONE: [test_roman, '3.13'] }] }"],
  ] as const) {
    write(`${name}/.gitlab-ci.yml`, pipeline(test));
    write(`${name}/test-key`, 'secret');
  }
  const job = await TestJob.prepared();
  write('job-response.json', readFileSync((await job.surroundings())['JOB_RESPONSE_FILE'] ?? '', 'utf8'));
  await job[Symbol.asyncDispose]();
  const receipts = readFileSync(join(configuration.stateFolder, 'receipts.jsonl'), 'utf8');
  write('receipts.jsonl', receipts);
  const { stdout } = await execa(driver, ['receipts', 'verify', '--json'], { env: { BULKHEAD_CONFIG: layout.config } });
  const { hash } = JSON.parse(stdout).head;
  stand.push(
    ['4711', () => String(job.described.id)],
    [/<folder>|\/mnt\/backup\/state/, () => configuration.stateFolder],
    [/<hash>|5f70bf18…/, () => hash],
    ['/var/lib/prometheus/node-exporter', () => folder],
    ['/srv/gitlab-runner', () => folder],
    ['| less', () => '| cat'],
  );
});

const calls = new Map(
  [...pages(), ...helps()].flatMap(({ where, text }) => callLines(text).map((call) => [call, where] as const)),
);

suite('each call of the documentation', () => {
  for (const [call, where] of calls) {
    const [file, made = call] = elsewhere[call] ?? [];
    if (file !== undefined) {
      test(`${call} is made by ${file}`, () => assert.ok(readFileSync(join(root, file), 'utf8').includes(made)));
      continue;
    }
    const project = /^bulkhead local '/.test(call) ? 'matrix' : /^bulkhead local/.test(call) ? 'plain' : '.';
    test(`${call} (${where})`, async () => {
      const command = stand.reduce((text, [documented, here]) => text.replace(documented, here), call);
      const { exitCode, all } = await execa('bash', ['-o', 'pipefail', '-c', command], {
        cwd: inFolder(project),
        env: { PATH: `${folder}:${process.env['PATH']}`, BULKHEAD_CONFIG: layout.config },
        stdin: 'ignore',
        all: true,
        reject: false,
      });
      assert.ok(otherExitCodes[call]?.includes(exitCode ?? -1) ?? exitCode === 0, `${command}: ${exitCode}\n${all}`);
    });
  }
});

const needsRoot = process.getuid?.() === 0 ? false : "needs root: the namespace of Podman's user";
test('the rules of a running job are to be seen as the page on networks says', { skip: needsRoot }, async () => {
  const page = readFileSync(join(root, 'docs/network.md'), 'utf8');
  const [, script = ''] = /^```sh\n(for pid .*?)^```$/ms.exec(page) ?? [];
  await using job = await TestJob.prepared();
  const { stdout } = await execa('sh', ['-ec', script]);
  assert.ok(stdout.includes(`table inet ${tableName(job.key)} {`), stdout);
});

test('every call that another test makes stands in the documentation', () => {
  for (const call of [...Object.keys(elsewhere), ...Object.keys(otherExitCodes)]) assert.ok(calls.has(call), call);
});
