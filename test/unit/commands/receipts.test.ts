import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { chainOf, writeLines } from '../receipts/samples.ts';
import { configuration } from '../samples.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-command-'));
after(() => rmSync(root, { recursive: true }));
const { lines, head } = chainOf(3);
const [whole, broken, configured] = [join(root, 'whole'), join(root, 'broken'), join(root, 'config.json')];

before(() => {
  for (const folder of [whole, broken]) mkdirSync(folder);
  writeLines(whole, lines);
  writeLines(broken, lines.slice(1));
  writeFileSync(configured, JSON.stringify({ ...configuration, stateFolder: whole }));
});

function verify(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = join(import.meta.dirname, '../../../src/main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'receipts', 'verify', ...args], {
    encoding: 'utf8',
    // The runner's codes are for stages.
    env: { PATH: process.env['PATH'], HOME: root, SYSTEM_FAILURE_EXIT_CODE: '77', BUILD_FAILURE_EXIT_CODE: '78' },
  });
  return { status, stdout, stderr };
}

suite('bulkhead receipts verify', { concurrency: 2 }, () => {
  test('ends with 0 when the chain is whole, and says to note the head', () => {
    const { status, stdout, stderr } = verify('--folder', whole);
    assert.deepEqual([status, stdout], [0, `3 records in 1 file, whole\nhead: 3 ${head.hash}\n`]);
    assert.match(stderr, /Note the head/);
    assert.deepEqual(verify('--folder', whole, '--head', head.hash), { status: 0, stdout, stderr: '' });
  });

  test('finds the folder in the configuration', () => {
    assert.match(verify('--config', configured).stdout, /^3 records/);
  });

  test('ends with 1 when it is not, and names file, line and what is wrong', () => {
    const { status, stdout, stderr } = verify('--folder', broken);
    assert.deepEqual([status, stderr], [1, '']);
    assert.match(
      stdout,
      /^receipts\.jsonl:1: this is record 2; 1 is missing before it\n2 records in 1 file, NOT WHOLE\n/,
    );
    assert.equal(verify('--folder', whole, '--head', 'f'.repeat(64)).status, 1);
  });

  test('gives the same as JSON', () => {
    const { status, stdout, stderr } = verify('--folder', broken, '--json');
    assert.deepEqual([status, stderr], [1, '']);
    assert.deepEqual(JSON.parse(stdout), {
      schemaVersion: 1,
      folder: broken,
      files: ['receipts.jsonl'],
      records: 2,
      torn: 0,
      head,
      problems: [{ file: 'receipts.jsonl', line: 1, problem: 'this is record 2; 1 is missing before it' }],
    });
  });

  for (const [what, args, says] of [
    ['a folder that is not there', ['--folder', join(root, 'none')], /\(receipts-unusable: /],
    ['no configuration', ['--config', join(root, 'none.json')], /\(configuration-not-found: /],
    ['a head that is no hash', ['--folder', whole, '--head', 'abc'], /A hash has 64 digits/],
    ['an unknown option', ['--deep'], /unknown option '--deep'/],
    ['an argument too many', ['more'], /too many arguments/],
  ] as const) {
    test(`ends with 2 for ${what}`, () => {
      const { status, stdout, stderr } = verify(...args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }
});
