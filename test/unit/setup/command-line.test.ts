import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { execa } from 'execa';
import { bashCompletion } from '../../../setup/bash-completion.ts';
import { callables, commandLine } from '../../../setup/command-line.ts';
import { manPage } from '../../../setup/man-page.ts';

const known = callables(commandLine());

suite('the man page', () => {
  test('has each command with its description and its options', () => {
    const page = manPage().replaceAll('\\-', '-').replaceAll('\\(dq', '"').replaceAll('\\e', '\\');
    for (const { words, command } of known) {
      assert.ok(page.includes(`.SS "${words}"\n`), words);
      assert.ok(page.includes(command.description()), words);
      for (const { flags } of command.options) assert.ok(page.includes(`.B "${flags}"`), `${words} ${flags}`);
    }
    assert.match(page, /^Exit codes: 0 done, or nothing to do;/m);
  });

  test('is one that groff shows without a complaint', async (t) => {
    const run = await execa('groff', ['-man', '-Tutf8', '-ww'], { input: manPage(), reject: false });
    if (run.code === 'ENOENT') return t.skip('no groff here');
    assert.equal(run.stderr, '');
    assert.match(stripVTControlCharacters(run.stdout), /bulkhead policy check/);
  });
});

suite('completion in bash', () => {
  const complete = async (...words: string[]): Promise<string[]> => {
    const script = `${bashCompletion()}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bulkhead; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await execa('bash', ['-c', script, 'bash', ...words]);
    return stdout.split('\n').filter((word) => word !== '');
  };

  test('knows every command', async () => {
    const first = new Set(known.map(({ words }) => words.split(' ')[1]));
    assert.deepEqual(new Set((await complete('bulkhead', '')).filter((word) => !word.startsWith('-'))), first);
  });

  test('goes on with what is typed, and below a command with what is its own', async () => {
    assert.deepEqual(await complete('bulkhead', 'rec'), ['receipts']);
    assert.deepEqual(await complete('bulkhead', 'receipts', 'v'), ['verify']);
    assert.deepEqual(await complete('bulkhead', '--config', 'x', 'gc', '--dr'), ['--dry-run']);
    assert.deepEqual(await complete('bulkhead', 'policy', 'check', 'some/file', '--j'), ['--json']);
  });

  test('leaves names of files to bash', async () => {
    assert.deepEqual(await complete('bulkhead', 'diagnose', './job'), []);
  });
});
