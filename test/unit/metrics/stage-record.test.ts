import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { BulkheadError } from '../../../src/errors.ts';
import { fullBytes, recordStage, stageLabel } from '../../../src/metrics/stage-record.ts';

const root = mkdtempSync(join(tmpdir(), 'bulkhead-stages-'));
after(() => rmSync(root, { recursive: true }));
let state: string;
let file: string;
beforeEach(() => {
  state = mkdtempSync(join(root, 'test-'));
  file = join(state, 'metrics/stages.jsonl');
});
const records = () => {
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.equal(lines.pop(), '');
  return lines.map((line) => JSON.parse(line));
};

suite('a stage', () => {
  test('gives its exit code, and leaves a line for its owner only', async () => {
    assert.equal(await recordStage(state, 'get_sources', async () => 0), 0);
    assert.equal(await recordStage(state, 'build_script', async () => 3), 3);
    assert.deepEqual(
      records().map(({ stage, outcome, pid }) => [stage, outcome, pid]),
      [
        ['get_sources', 'success', process.pid],
        ['build_script', 'job', process.pid],
      ],
    );
    for (const { seconds, time } of records()) assert.ok(seconds >= 0 && time <= Date.now());
    assert.deepEqual([statSync(file).mode & 0o777, statSync(join(state, 'metrics')).mode & 0o777], [0o600, 0o700]);
  });

  for (const [error, outcome] of [
    [new BulkheadError('limit-log-exceeded', '', ''), 'job'],
    [new BulkheadError('terminated', '', ''), 'terminated'],
    [new BulkheadError('sandbox-died', '', ''), 'system'],
    [new BulkheadError('configuration-invalid', '', ''), 'system'],
    [new Error('anything'), 'system'],
  ] as const) {
    test(`that fails with ${error instanceof BulkheadError ? error.code : error.message} is of ${outcome}`, async () => {
      await assert.rejects(
        recordStage(state, 'build_script', () => Promise.reject(error)),
        error,
      );
      assert.deepEqual(records()[0].outcome, outcome);
    });
  }

  test('has the name of a known one, or none', () => {
    for (const name of ['step_evil"} 1\n', 'step_a', 'BUILD_SCRIPT', '', '__proto__', 'x'.repeat(10_000)]) {
      assert.equal(stageLabel(name), 'step');
    }
    assert.equal(stageLabel('after_script'), 'after_script');
  });
});

suite('is no worse for it that nothing can be written', () => {
  const elsewhere = () => join(state, 'elsewhere');
  for (const [what, prepare, untouched] of [
    ['there is no state folder', () => rmSync(state, { recursive: true }), undefined],
    ['others can write the state folder', () => chmodSync(state, 0o777), undefined],
    [
      'others can write its folder',
      () => {
        mkdirSync(join(state, 'metrics'));
        chmodSync(join(state, 'metrics'), 0o777);
      },
      undefined,
    ],
    ['its folder is a file', () => writeFileSync(join(state, 'metrics'), ''), undefined],
    [
      'its file is a link',
      () => {
        writeFileSync(elsewhere(), 'as it was');
        mkdirSync(join(state, 'metrics'), { mode: 0o700 });
        symlinkSync(elsewhere(), file);
      },
      elsewhere,
    ],
  ] as const) {
    test(what, async () => {
      prepare();
      assert.equal(await recordStage(state, 'build_script', async () => 7), 7);
      if (untouched !== undefined) assert.equal(readFileSync(untouched(), 'utf8'), 'as it was');
      else assert.throws(() => readFileSync(file), /ENOENT|ENOTDIR/);
    });
  }

  test('the file is full', async () => {
    mkdirSync(join(state, 'metrics'), { mode: 0o700 });
    writeFileSync(file, '\n'.repeat(fullBytes - 1), { mode: 0o600 });
    for (let n = 0; n < 3; n++) assert.equal(await recordStage(state, 'build_script', async () => 0), 0);
    const { size } = statSync(file);
    assert.ok(size > fullBytes && size < fullBytes + 200, `one more line, and no other: ${size}`);
  });
});
