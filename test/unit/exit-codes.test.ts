import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { exitCodesFrom, forgetEarlierExitCode, reportScriptExit } from '../../src/exit-codes.ts';

const root = mkdtempSync(join(tmpdir(), 'bulkhead-exit-codes-'));
after(() => rmSync(root, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'job-'));
});

const codesFor = (exitCodeFile: string) => exitCodesFrom({ BUILD_EXIT_CODE_FILE: exitCodeFile });

suite('the codes that GitLab Runner wants', () => {
  for (const [given, code] of [
    [undefined, 1],
    ['', 1],
    ['1', 1],
    ['3', 3],
    ['255', 255],
    ['256', 1],
    ['0', 1],
    ['-1', 1],
    ['many', 1],
  ] as const) {
    test(`BUILD_FAILURE_EXIT_CODE=${given} means ${code}`, () => {
      const env = given === undefined ? {} : { BUILD_FAILURE_EXIT_CODE: given };
      assert.equal(exitCodesFrom(env).buildFailure, code);
    });
  }

  test('are not taken from the job', () => {
    const codes = exitCodesFrom({ CUSTOM_ENV_BUILD_FAILURE_EXIT_CODE: '7', CUSTOM_ENV_BUILD_EXIT_CODE_FILE: '/evil' });
    assert.equal(codes.buildFailure, 1);
    assert.equal(codes.exitCodeFile, undefined);
  });

  test('an empty file name is none', () => assert.equal(codesFor('').exitCodeFile, undefined));

  test('success is 0, and no two are the same', () => {
    const { success, buildFailure, systemFailure } = exitCodesFrom({});
    assert.deepEqual([success, buildFailure, systemFailure], [0, 1, 2]);
  });
});

suite("the script's exit code", () => {
  test('0 is success, and leaves no file', async () => {
    const file = join(folder, 'code');
    assert.equal(await reportScriptExit(codesFor(file), 0), 0);
    assert.ok(!existsSync(file));
  });

  for (const code of [1, 2, 42, 137, 255]) {
    test(`${code} is a build failure, with the code in the file`, async () => {
      const file = join(folder, 'code');
      const codes = { ...codesFor(file), buildFailure: 5 };
      assert.equal(await reportScriptExit(codes, code), 5);
      // The runner reads the first line as a decimal integer.
      assert.equal(readFileSync(file, 'utf8').split('\n')[0], String(code));
    });
  }

  test('replaces what another stage wrote, however long it was', async () => {
    const file = join(folder, 'code');
    writeFileSync(file, '1234567890\n'.repeat(10));
    await reportScriptExit(codesFor(file), 3);
    assert.equal(readFileSync(file, 'utf8'), '3\n');
  });

  test('is a plain build failure where the runner wants no file', async () => {
    assert.equal(await reportScriptExit(exitCodesFrom({}), 42), 1);
  });

  const unwritable = (why: RegExp) => ({ name: 'BulkheadError', code: 'exit-code-file-unwritable', message: why });

  test('that does not fit on a full disk is a system failure, and names the code', async () => {
    // By a link, so that whatever is done with the file's name is not done to the device.
    const file = join(folder, 'code');
    symlinkSync('/dev/full', file);
    await assert.rejects(reportScriptExit(codesFor(file), 42), unwritable(/exit code 42\b.*ENOSPC/));
    assert.ok(lstatSync('/dev/full').isCharacterDevice());
  });

  test('that cannot be written at all is a system failure', async () => {
    await assert.rejects(reportScriptExit(codesFor(join(folder, 'none', 'code')), 42), unwritable(/ENOENT/));
    await assert.rejects(reportScriptExit(codesFor(folder), 42), unwritable(/EISDIR/));
    await assert.rejects(reportScriptExit(codesFor('/proc/version'), 42), unwritable(/EACCES|EPERM|EIO/));
  });
});

suite('what an earlier stage left', () => {
  test('is forgotten', async () => {
    const file = join(folder, 'code');
    writeFileSync(file, '1\n');
    await forgetEarlierExitCode(codesFor(file));
    assert.ok(!existsSync(file));
  });

  test('may be nothing, in a folder that may not be there', async () => {
    await forgetEarlierExitCode(codesFor(join(folder, 'code')));
    await forgetEarlierExitCode(codesFor(join(folder, 'none', 'code')));
    await forgetEarlierExitCode(exitCodesFrom({}));
  });

  test('is an error when it stays', async () => {
    mkdirSync(join(folder, 'code'));
    await assert.rejects(forgetEarlierExitCode(codesFor(join(folder, 'code'))));
  });
});
