import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podmanUser } from '../../setup/podman-user.ts';
import { images, layout, podman, podmanMajor } from './host.ts';
import { forgetImage, testRunner } from './registry-job.ts';
import { startRegistryProxy } from './registry-proxy.ts';
import { startRegistry } from './registry-server.ts';

const user = podmanUser(layout);

/** One who may log in: then nobody else gets anything. */
const somebody = [{ username: 'somebody', password: 'SomePassword' }];

test('an image is pulled from its registry, once', async () => {
  await using registry = await startRegistry();
  await using runner = await testRunner();
  const name = await registry.push(images.busybox, 'group/tool:1');
  try {
    const first = await runner.play(name);
    assert.equal(first.state, 'success', first.log);
    assert.ok(first.log.includes(`Pulling image ${name} ...`), first.log);
    const second = await runner.play(name);
    assert.equal(second.state, 'success', second.log);
    assert.ok(!second.log.includes('Pulling'), second.log);
  } finally {
    await forgetImage(name);
  }
});

test("what the registry does not have is the author's mistake: final at once", async () => {
  await using registry = await startRegistry();
  await using runner = await testRunner();
  await registry.push(images.busybox, 'group/tool:1');
  for (const path of ['group/tool:2', 'group/nothing:1', `group/tool@sha256:${'0'.repeat(64)}`]) {
    const result = await runner.play(`${registry.address}/${path}`);
    assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'script_failure', 1], result.log);
    assert.match(result.log, /\(image-not-found: /);
  }
});

test("what the registry does not give out is the author's mistake", async () => {
  await using registry = await startRegistry(somebody);
  await using runner = await testRunner();
  const result = await runner.play(`${registry.address}/group/private:1`);
  assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'script_failure', 1], result.log);
  assert.match(result.log, /\(image-access-denied: /);
});

test('a registry that is gone is a system failure', async () => {
  let address: string;
  {
    await using registry = await startRegistry();
    address = registry.address;
  }
  await using runner = await testRunner();
  const result = await runner.play(`${address}/group/tool:1`);
  assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'runner_system_failure', 3], result.log);
  assert.match(result.log, /\(image-pull-failed: /);
});

test('a digest names an image of its own repository, not whatever this host has by it', async () => {
  await using registry = await startRegistry();
  await using proxy = await startRegistryProxy(registry);
  await using runner = await testRunner({}, { images: { allow: [`${proxy.address}/**`], digest: 'required' } });
  const name = await registry.push(images.busybox, 'group/secret:1');
  await user.exec('podman', ['pull', '--quiet', name]);
  try {
    // From the registry itself: Podman 5 lists digests under a name that its registry never had.
    const digest = await registry.digest('group/secret', '1');
    const other = `${proxy.address}/group/other@${digest}`;
    // Podman 4 finds it: so it is for us to look.
    if (podmanMajor < 5) assert.ok((await podman.getImage(other).inspect()).Id);
    const result = await runner.prepare(other);
    assert.equal(result.exitCode, 1, result.log);
    assert.match(result.log, /\(image-not-found: /);
    // By its own repository it is found, and pulled under the other name.
    const own = await runner.play(`${proxy.address}/group/secret@${digest}`);
    assert.equal(own.state, 'success', own.log);
    assert.match(own.log, /Pulling/);
    await forgetImage(`${proxy.address}/group/secret@${digest}`);
  } finally {
    await forgetImage(name);
  }
});

test("the job's pull policies are tried in order", async () => {
  await using registry = await startRegistry();
  await using runner = await testRunner();
  const name = await registry.push(images.busybox, 'group/tool:1');
  const policies = async (...pullPolicy: string[]) => runner.prepare({ name, pullPolicy });
  try {
    const never = await policies('never');
    assert.deepEqual([never.exitCode, /\(image-not-found: /.test(never.log)], [1, true], never.log);
    const both = await policies('never', 'if-not-present');
    assert.deepEqual([both.exitCode, both.log.match(/Pulling image/g)?.length], [0, 1], both.log);
    const now = await policies('never');
    assert.deepEqual([now.exitCode, now.log.includes('Pulling')], [0, false], now.log);
    const always = await policies('always');
    assert.deepEqual([always.exitCode, always.log.includes('Pulling')], [0, true], always.log);
    await registry[Symbol.asyncDispose]();
    const gone = await policies('always', 'if-not-present');
    assert.deepEqual([gone.exitCode, gone.log.includes('Pulling')], [0, true], gone.log);
  } finally {
    await forgetImage(name);
  }
});
