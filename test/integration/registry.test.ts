import assert from 'node:assert/strict';
import { test } from 'node:test';
import { images, podman, TestJob } from './host.ts';
import { startRegistry } from './registry-server.ts';

async function play(image: string) {
  await using job = new TestJob({ image, script: ['echo ran'] });
  const result = await job.player.play();
  return { ...result, prepares: result.stages.filter(({ stage }) => stage === 'prepare').length };
}

test('an image is pulled from its registry, once', async () => {
  await using registry = await startRegistry();
  const name = await registry.push(images.busybox, 'group/tool:1');
  try {
    const first = await play(name);
    assert.equal(first.state, 'success', first.log);
    assert.ok(first.log.includes(`Pulling image ${name} ...`), first.log);
    const second = await play(name);
    assert.equal(second.state, 'success', second.log);
    assert.ok(!second.log.includes('Pulling'), second.log);
  } finally {
    await podman.getImage(name).remove({ force: true });
  }
});

test("what the registry does not have is the author's mistake: final at once", async () => {
  await using registry = await startRegistry();
  await registry.push(images.busybox, 'group/tool:1');
  for (const path of ['group/tool:2', 'group/nothing:1', `group/tool@sha256:${'0'.repeat(64)}`]) {
    const result = await play(`${registry.address}/${path}`);
    assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'script_failure', 1], result.log);
    assert.match(result.log, /\(image-not-found: /);
  }
});

test("what the registry does not give out is the author's mistake", async () => {
  await using registry = await startRegistry('password');
  const result = await play(`${registry.address}/group/private:1`);
  assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'script_failure', 1], result.log);
  assert.match(result.log, /\(image-access-denied: /);
});

test('a registry that is gone is a system failure', async () => {
  let address: string;
  {
    await using registry = await startRegistry();
    address = registry.address;
  }
  const result = await play(`${address}/group/tool:1`);
  assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'runner_system_failure', 3], result.log);
  assert.match(result.log, /\(image-pull-failed: /);
});
