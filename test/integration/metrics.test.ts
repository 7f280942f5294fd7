import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { ownPrograms } from '../player/player.ts';
import { configurationWith, images, TestJob } from './host.ts';

const { executable } = ownPrograms.run;

test('what jobs did is in the metrics', async (context) => {
  const stateFolder = await mkdtemp(join(tmpdir(), 'bulkhead-state-'));
  await using configured = await configurationWith({ stateFolder });
  const env = { BULKHEAD_CONFIG: configured.path };
  const output = join(stateFolder, 'bulkhead.prom');
  const metrics = async () => {
    const { stdout, stderr } = await execa(executable, ['metrics', '--output', output], { env });
    assert.equal(`${stdout}${stderr}`, '');
    return await readFile(output, 'utf8');
  };
  try {
    for (const [script, state] of [
      ['true', 'success'],
      ['exit 3', 'failed'],
    ] as const) {
      await using job = new TestJob({ script: [script] }, { env });
      const result = await job.player.play();
      assert.equal(result.state, state, result.log);
    }
    {
      await using job = new TestJob({ image: 'localhost/bulkhead-test/there-is-none:1' }, { env });
      assert.notEqual((await job.player.stage('prepare')).exitCode, 0);
    }
    {
      await using job = await TestJob.prepared({ image: images.busybox }, { env });
      await job.sh('true', 'step_evil"} 1');
      assert.match(await metrics(), /^bulkhead_jobs_running 1$/m);
    }
    const text = await metrics();
    for (const line of [
      'bulkhead_jobs_prepared_total 3',
      'bulkhead_jobs_total{outcome="refused"} 1',
      'bulkhead_jobs_total{outcome="finished"} 3',
      'bulkhead_refusals_total{code="image-not-found",blame="job"} 1',
      'bulkhead_metrics_gaps_total{records="receipts"} 0',
      'bulkhead_metrics_gaps_total{records="stages"} 0',
      'bulkhead_prepare_step_duration_seconds_count{step="prove"} 3',
      'bulkhead_stage_duration_seconds_count{stage="build_script",outcome="success"} 1',
      'bulkhead_stage_duration_seconds_count{stage="build_script",outcome="job"} 1',
      'bulkhead_stage_duration_seconds_count{stage="step",outcome="success"} 1',
      'bulkhead_job_duration_seconds_count 3',
      'bulkhead_jobs_running 0',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), `${line} in\n${text}`);
    }
    assert.ok(!text.includes('evil'), text);

    const checked = await execa('promtool', ['check', 'metrics'], { input: text, reject: false });
    if (checked.code === 'ENOENT') context.diagnostic('not checked by promtool: install prometheus for that');
    else assert.deepEqual([checked.exitCode, checked.stderr], [0, '']);
  } finally {
    await rm(stateFolder, { recursive: true });
  }
});
