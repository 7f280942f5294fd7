import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, beforeEach, suite, test } from 'node:test';
import { collectMetrics } from '../../../src/metrics/collect.ts';
import type { FamilyName } from '../../../src/metrics/families.ts';
import { appendStage, fullBytes } from '../../../src/metrics/stage-record.ts';
import { appendReceipt } from '../../../src/receipts/append.ts';
import { finished, prepared, refused } from '../receipts/samples.ts';
import { configuration } from '../samples.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-metrics-'));
after(() => rmSync(root, { recursive: true }));
let state: string;
beforeEach(() => {
  state = mkdtempSync(join(root, 'test-'));
});

const collect = async () => await collectMetrics(state, async () => {});
type Collected = Awaited<ReturnType<typeof collect>>;
/** The sum over a metric's series; of a histogram, how often it was observed. */
function sum({ metrics }: Pick<Collected, 'metrics'>, name: FamilyName | 'bulkhead_jobs_running'): number {
  const samples = metrics.find((metric) => metric.name === name)?.samples ?? [];
  return samples.filter((sample) => !/_(?:bucket|sum)$/.test(sample.name)).reduce((all, { value }) => all + value, 0);
}
const jobs = (collected: Collected) => sum(collected, 'bulkhead_jobs_total');
const stages = (collected: Collected) => sum(collected, 'bulkhead_stage_duration_seconds');
const inState = (...path: string[]) => join(state, ...path);
async function append(times: number, full?: number): Promise<void> {
  for (let n = 0; n < times; n++) await appendReceipt(state, finished, full === undefined ? {} : { full });
}
/** Counts what there is, and expects nothing to be missing. */
async function assertJobs(expected: number): Promise<void> {
  const collected = await collect();
  assert.deepEqual([jobs(collected), collected.gaps], [expected, []]);
}
const stage = (seconds = 1) =>
  appendStage(state, { time: Date.now(), pid: process.pid + seconds, stage: 'step', outcome: 'success', seconds });

suite('receipts', () => {
  test('are counted once, however often one looks', async () => {
    await assertJobs(0);
    await appendReceipt(state, prepared);
    await appendReceipt(state, refused);
    const first = await collect();
    assert.deepEqual([jobs(first), sum(first, 'bulkhead_jobs_running')], [1, 1]);
    await append(1);
    const second = await collect();
    assert.deepEqual([jobs(second), sum(second, 'bulkhead_jobs_running')], [2, 0]);
    assert.equal(sum(second, 'bulkhead_job_duration_seconds'), 1);
    assert.deepEqual(await collect(), second);
  });

  test('are not counted by another until the count is published', async () => {
    const published: string[] = [];
    let second: Promise<Collected> | undefined;
    const first = await collectMetrics(state, async () => {
      second = collectMetrics(state, async () => void published.push('second'));
      // Much longer than the second would take.
      await append(30);
      published.push('first');
    });
    assert.deepEqual([jobs(first), second && jobs(await second)], [0, 30]);
    assert.deepEqual(published, ['first', 'second']);
  });

  test('are found again in a file that was put aside since', async () => {
    await append(2);
    await assertJobs(2);
    await append(1);
    await append(2, 1);
    assert.deepEqual(readdirSync(state).filter((name) => name.startsWith('receipts')).length, 3);
    await assertJobs(5);
    await append(1);
    await assertJobs(6);
  });

  test('are read from where the last look ended', async () => {
    await append(3);
    await assertJobs(3);
    // Of the same length: a look from the beginning would find a ninth record, and miss those before it.
    const text = readFileSync(inState('receipts.jsonl'), 'utf8');
    writeFileSync(inState('receipts.jsonl'), text.replace('"sequence":2', '"sequence":9'));
    await append(1);
    await assertJobs(4);
  });

  test('that were counted may be moved away', async () => {
    await append(3);
    await assertJobs(3);
    await append(1, 1);
    rmSync(inState('receipts-1.jsonl'));
    await assertJobs(4);
  });

  test('that were moved away before anybody looked are not missed', async () => {
    await append(2);
    await append(1, 1);
    rmSync(inState('receipts-1.jsonl'));
    await assertJobs(1);
  });

  test('that were moved away before they were counted are told of, once', async () => {
    await append(1);
    await assertJobs(1);
    await append(2);
    await append(1, 1);
    rmSync(inState('receipts-1.jsonl'));
    const collected = await collect();
    assert.deepEqual(collected.gaps, ['receipts 2 to 3 were gone before they were counted']);
    assert.deepEqual([jobs(collected), sum(collected, 'bulkhead_metrics_gaps_total')], [2, 1]);
    await assertJobs(2);
  });

  test('that begin anew go on counting, and it is told', async () => {
    await append(3);
    await assertJobs(3);
    rmSync(inState('receipts.jsonl'));
    await assertJobs(3);
    await append(1);
    const collected = await collect();
    assert.equal(jobs(collected), 4);
    assert.match(collected.gaps.join(), /^the receipts begin anew/);
    await append(1);
    await assertJobs(5);
  });

  test('with writes that were cut off in between count all the same', async () => {
    await append(1);
    appendFileSync(inState('receipts.jsonl'), '{"schemaVersion":1,"sequ');
    await assertJobs(1);
    await append(1);
    const { size } = statSync(inState('receipts.jsonl'));
    // Whole but for its line feed.
    truncateSync(inState('receipts.jsonl'), size - 1);
    await assertJobs(2);
    await assertJobs(2);
    await append(1);
    await assertJobs(3);
    await assertJobs(3);
  });
});

suite('stages', () => {
  test('are counted once, also when their file is turned', async () => {
    for (let n = 0; n < 4000; n++) stage();
    assert.equal(stages(await collect()), 4000);
    assert.ok(existsSync(inState('metrics/stages-previous.jsonl')));
    // One that had the file open.
    appendFileSync(inState('metrics/stages-previous.jsonl'), '{"stage":"step","outcome":"success","seconds":1}\n');
    stage(2);
    assert.equal(stages(await collect()), 4002);
    assert.equal(stages(await collect()), 4002);
  });

  test('that are half written are counted when they are whole, and what is no stage is not', async () => {
    stage();
    const path = inState('metrics/stages.jsonl');
    appendFileSync(path, '{"stage":"step_evil\\"","outcome":"succ');
    assert.equal(stages(await collect()), 1);
    appendFileSync(path, 'ess","seconds":1}\n{"stage":"step","outcome":"evil","seconds":1}\nnothing\n');
    const collected = await collect();
    assert.equal(stages(collected), 2);
    assert.ok(!JSON.stringify(collected.metrics).includes('evil'));
  });

  test('that were too many to be kept are told of', async () => {
    mkdirSync(inState('metrics'), { mode: 0o700 });
    const line = '{"stage":"step","outcome":"job","seconds":1}\n';
    writeFileSync(inState('metrics/stages.jsonl'), line.repeat(Math.ceil(fullBytes / line.length)), { mode: 0o600 });
    const collected = await collect();
    assert.match(collected.gaps.join(), /the record of stages was full/);
    assert.equal(sum(collected, 'bulkhead_metrics_gaps_total'), 1);
    stage();
    const next = await collect();
    assert.deepEqual([next.gaps, stages(next)], [[], stages(collected) + 1]);
  });
});

suite('the checkpoint', () => {
  test('that cannot be read lets all begin anew, and it is told', async () => {
    await append(2);
    await assertJobs(2);
    for (const text of ['', '{}', '{"schemaVersion":2}']) {
      writeFileSync(inState('metrics/checkpoint.json'), text);
      const collected = await collect();
      assert.match(collected.gaps.join(), /the checkpoint cannot be read/);
      assert.equal(jobs(collected), 2);
    }
    await assertJobs(2);
  });

  test('is for its owner only', async () => {
    await collect();
    assert.equal(statSync(inState('metrics/checkpoint.json')).mode & 0o777, 0o600);
  });

  for (const name of ['metrics/checkpoint.json', 'metrics/stages.jsonl', 'metrics', '.']) {
    test(`is not used where others could write ${name}`, async () => {
      mkdirSync(inState('metrics'), { mode: 0o700 });
      for (const file of ['checkpoint.json', 'stages.jsonl']) writeFileSync(inState('metrics', file), '\n');
      chmodSync(inState(name), 0o777);
      await assert.rejects(collect(), { code: 'file-unsafe' });
    });
  }
});

suite('bulkhead metrics', { concurrency: 4 }, () => {
  const folder = mkdtempSync(join(root, 'command-'));
  const config = join(folder, 'config.json');
  const output = join(folder, 'bulkhead.prom');
  mkdirSync(join(folder, 'state'), { mode: 0o700 });
  writeFileSync(config, JSON.stringify({ ...configuration, stateFolder: join(folder, 'state') }));
  async function run(...args: string[]) {
    const main = join(import.meta.dirname, '../../../src/main.ts');
    const env = { PATH: process.env['PATH'], BULKHEAD_CONFIG: config, SYSTEM_FAILURE_EXIT_CODE: '77' };
    const child = spawn(process.execPath, [main, 'metrics', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const read = (stream: Readable) => stream.setEncoding('utf8').toArray();
    const [[status], stdout, stderr] = await Promise.all([
      once(child, 'close'),
      read(child.stdout),
      read(child.stderr),
    ]);
    return { status, stdout: stdout.join(''), stderr: stderr.join('') };
  }

  test('counts once, though several are called at once; then writes what a collector can read', async () => {
    const stateFolder = join(folder, 'state');
    for (let n = 0; n < 20; n++) await appendReceipt(stateFolder, finished);
    const all = await Promise.all([1, 2, 3, 4].map(() => run('--json')));
    for (const { status, stdout, stderr } of all) {
      assert.deepEqual([status, stderr], [0, '']);
      const { schemaVersion, metrics, gaps } = JSON.parse(stdout);
      assert.deepEqual([schemaVersion, gaps], [1, []]);
      assert.equal(sum({ metrics }, 'bulkhead_jobs_total'), 20);
    }
    assert.deepEqual(await run('--output', output), { status: 0, stdout: '', stderr: '' });
    assert.match(readFileSync(output, 'utf8'), /^bulkhead_jobs_total\{outcome="finished"\} 20\n/m);
    assert.equal(statSync(output).mode & 0o777, 0o644);
    assert.deepEqual(readdirSync(folder).sort(), ['bulkhead.prom', 'config.json', 'state']);
    assert.equal((await run()).stdout, readFileSync(output, 'utf8'));

    renameSync(join(stateFolder, 'receipts.jsonl'), join(folder, 'away'));
    await appendReceipt(stateFolder, finished);
    const found = await run('--output', output);
    rmSync(join(folder, 'away'));
    assert.deepEqual([found.status, found.stdout], [1, '']);
    assert.match(found.stderr, /^the receipts begin anew/);
    assert.match(readFileSync(output, 'utf8'), /^bulkhead_jobs_total\{outcome="finished"\} 21\n/m);
  });

  for (const [what, args, says] of [
    ['a file that cannot be written', ['--output', '/proc/none/x.prom'], /\(metrics-unusable: /],
    ['no configuration', ['--config', '/none.json'], /\(configuration-not-found: /],
    ['an argument too many', ['x'], /too many arguments/],
  ] as const) {
    test(`ends with 2 for ${what}`, async () => {
      const { status, stdout, stderr } = await run(...args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  test('explains itself', async () => {
    const { status, stdout } = await run('--help');
    assert.equal(status, 0);
    for (const word of ['--output <file>', 'cron.d', 'Exit codes: 0']) assert.ok(stdout.includes(word), word);
  });
});
