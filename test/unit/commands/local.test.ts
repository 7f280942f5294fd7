import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { chooseJob, describeJobs, jobsJson } from '../../../src/commands/local/choose.ts';
import { assigned, givenVariables, pathOfFolder, projectPath } from '../../../src/commands/local/options.ts';
import { describeResult, exitCodeOf, resultJson } from '../../../src/commands/local/report.ts';
import type { PipelineJob } from '../../../src/local/pipeline.ts';
import type { LocalResult } from '../../../src/local/play-local.ts';
import type { JobResult } from '../../../src/player/play-job.ts';

const job = (name: string, more: Partial<PipelineJob> = {}): PipelineJob => ({
  ...{ name, stage: 'test', when: 'on_success', needs: [], trigger: false, image: null, services: [], variables: {} },
  ...{ beforeScript: [], script: [], afterScript: [], artifacts: null, timeout: null },
  ...more,
});

suite('options of local', () => {
  test('take variables with any value, and refuse what is no name', () => {
    assert.deepEqual(assigned('B=x=y\nz', assigned('A=')), [
      { key: 'A', value: '' },
      { key: 'B', value: 'x=y\nz' },
    ]);
    for (const wrong of ['A', '=x', '1A=x', 'A B=x', '']) {
      assert.throws(() => assigned(wrong), InvalidArgumentError, wrong);
    }
  });

  test('take projects as GitLab names them, and nothing that a shell would read', () => {
    assert.equal(projectPath('group/sub.group/my_project-1'), 'group/sub.group/my_project-1');
    for (const wrong of ['project', 'a/../b', "a/b'c", 'a/b c', '/a/b', 'a//b', 'a/-b', 'a/$(id)']) {
      assert.throws(() => projectPath(wrong), InvalidArgumentError, wrong);
    }
  });

  for (const name of ['project', "it's $(id)", '..', '-rf', 'ü', 'x'.repeat(300)]) {
    test(`make a project of the folder ${JSON.stringify(name.slice(0, 20))}`, () => {
      assert.equal(projectPath(pathOfFolder(name)), pathOfFolder(name));
    });
  }

  test('read file variables, which are not expanded', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bulkhead-options-'));
    await writeFile(join(folder, 'key'), 'a $B\n');
    const variables = await givenVariables({
      variable: [{ key: 'A', value: 'a' }],
      variableFile: [{ key: 'F', value: join(folder, 'key') }],
    });
    await rm(folder, { recursive: true });
    assert.deepEqual(
      variables.map(({ key, value, file, raw }) => ({ key, value, file, raw })),
      [
        { key: 'A', value: 'a', file: false, raw: false },
        { key: 'F', value: 'a $B\n', file: true, raw: true },
      ],
    );
    const missing = givenVariables({ variableFile: [{ key: 'F', value: join(folder, 'key') }] });
    await assert.rejects(missing, { code: 'file-unsafe' });
  });
});

suite('the job that is meant', () => {
  const never = job('never', { when: 'never' });
  const child = job('child', { trigger: true });
  const matrix = job('test: [3.12, debian]');

  test('is the only one that the pipeline would run', () => {
    assert.equal(chooseJob([never, child, matrix], undefined), matrix);
  });

  test('has to be named where there are several, or none', () => {
    const several = chooseJob([job("it's"), job('b')], undefined);
    assert.match(String(several), /has 2 jobs: name one, as in: bulkhead local 'it'\\''s'/);
    assert.match(String(chooseJob([never, child], undefined)), /no job for this branch/);
  });

  test('is found whatever blanks are in it, exactly first', () => {
    assert.equal(chooseJob([job('a'), matrix], 'test:[3.12,debian]'), matrix);
    const exact = job('a b');
    assert.equal(chooseJob([job('ab'), exact], 'a b'), exact);
  });

  test('may be one that the rules leave out, and not one that has no script', () => {
    assert.equal(chooseJob([never, child], 'never'), never);
    assert.match(String(chooseJob([child], 'child')), /starts another pipeline/);
    assert.match(String(chooseJob([child], 'x\x1b[2J')), /no job 'x\\x1b\[2J'/);
  });

  test('is listed with its name escaped', () => {
    const hostile = job('\x1b[2Jx\ny', { stage: 's\n' });
    assert.equal(describeJobs([hostile]), '\\x1b[2Jx\\x0ay  s\\x0a  on_success');
    assert.deepEqual(jobsJson([matrix]), {
      schemaVersion: 1,
      jobs: [{ name: 'test: [3.12, debian]', stage: 'test', when: 'on_success', needs: [] }],
    });
  });
});

suite('how a job ended', () => {
  const ended = (changes: Partial<JobResult> = {}, more: Partial<LocalResult> = {}): LocalResult => ({
    job: { state: 'success', reason: undefined, exitCode: 0, message: undefined, stages: [], log: '', ...changes },
    artifacts: undefined,
    artifactsError: undefined,
    ...more,
  });
  const failed = (reason: JobResult['reason'], exitCode = 0) =>
    ended({ state: 'failed', reason, exitCode, message: 'm' });

  for (const [what, result, code] of [
    ['passed', ended(), 0],
    ['passed, and its artifacts are lost', ended({}, { artifactsError: new Error('full') }), 1],
    ['failed with 7', failed('script_failure', 7), 7],
    ['failed with 255', failed('script_failure', 255), 255],
    ['failed with what no process can end with', failed('script_failure', 256), 1],
    ['was refused', failed('script_failure', 1), 1],
    ['ran out of time', failed('job_execution_timeout'), 1],
    ['met a system failure', failed('runner_system_failure'), 2],
    ['was canceled', ended({ state: 'canceled', reason: 'job_canceled' }), 130],
  ] as const) {
    test(`exit code ${code}: it ${what}`, () => assert.equal(exitCodeOf(result), code));
  }

  test('is said with the artifacts, their names escaped', () => {
    const artifacts = { written: ['a\nb'], refused: [{ name: '../x', why: 'out' }], bytes: 3 };
    assert.deepEqual(describeResult('test', ended({}, { artifacts }), '/p/.bulkhead/artifacts', 1.25), [
      'test: success, exit code 0, 1.3 s',
      'artifacts: 1 file in /p/.bulkhead/artifacts',
      '  a\\x0ab',
      'left out: ../x: out',
    ]);
    const none = ended({}, { artifacts: { written: [], refused: [], bytes: 0 } });
    assert.match(describeResult('test', none, '/p', 1).join('\n'), /WARNING: no file matches/);
  });

  test('is said with the first artifacts only, and how many more there are', () => {
    const names = Array.from({ length: 22 }, (_, index) => `f${index}`);
    const artifacts = { written: names, refused: names.map((name) => ({ name, why: 'out' })), bytes: 3 };
    const lines = describeResult('test', ended({}, { artifacts }), '/p', 1);
    assert.equal(lines.length, 2 + 2 * 21);
    assert.deepEqual([lines[22], lines[43]], ['  and 2 more', 'left out: 2 more']);
    const one = { ...artifacts, refused: artifacts.refused.slice(1) };
    assert.equal(describeResult('test', ended({}, { artifacts: one }), '/p', 1).at(-1), 'left out: 1 more');
  });

  test('is the same in JSON', () => {
    assert.deepEqual(resultJson('test', failed('script_failure', 7), '/p', 2), {
      ...{ schemaVersion: 1, job: 'test', state: 'failed', reason: 'script_failure', message: 'm', exitCode: 7 },
      ...{ seconds: 2, artifacts: undefined },
    });
  });
});
