import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sliceFolder } from '../../src/host/slice.ts';
import { userManager } from '../../src/host/user-manager.ts';
import { layout, policyWith, TestJob } from '../integration/host.ts';

/** Work for two processors. */
const spin = 'for i in 1 2; do timeout 60 sh -c "echo spinning $i; while :; do :; done" & done; wait; :';

/**
 * The processors that a busy job uses. It is the only job there is: sandboxes that only wait, this test and the driver take
 * more than half of one of two emulated processors themselves.
 */
async function processorsUsed(cpus: number | 'unlimited'): Promise<number> {
  await using policy = await policyWith({ limits: { memory: 'unlimited', pids: 'unlimited', cpus } });
  await using job = await TestJob.prepared({}, { env: policy.env });
  const manager = await userManager(layout.socket);
  assert.ok(manager.state === 'available', JSON.stringify(manager));
  const folder = await sliceFolder(manager, job.key);
  assert.ok(folder, 'the job has a slice');
  const used = () => Number(/^usage_usec (\d+)$/m.exec(readFileSync(join(folder, 'cpu.stat'), 'utf8'))?.[1]) / 1000;
  const script = await job.player.startRun('build_script', spin);
  // An emulated processor takes seconds to start a program.
  await Promise.all([script.outputs('spinning 1'), script.outputs('spinning 2')]);
  const [start, before] = [performance.now(), used()];
  await sleep(20_000);
  const processors = (used() - before) / (performance.now() - start);
  const result = await script.result;
  assert.equal(result.exitCode, 0, result.stdout.toString());
  return processors;
}

test('a busy job gets the processor time it may have, and without the limit all there is', async (t) => {
  const [limited, unlimited] = [await processorsUsed(0.5), await processorsUsed('unlimited')];
  t.diagnostic(`${limited.toFixed(2)} and ${unlimited.toFixed(2)} processors`);
  assert.ok(limited < 0.55, `${limited} processors`);
  assert.ok(unlimited > 0.8, `${unlimited} processors without the limit`);
});
