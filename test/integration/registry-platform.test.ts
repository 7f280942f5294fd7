import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podmanUser } from '../../setup/podman-user.ts';
import { hostArchitecture } from '../../src/images/platform.ts';
import { images, layout, podman } from './host.ts';
import { forgetImage, testRunner } from './registry-job.ts';
import { startRegistryProxy } from './registry-proxy.ts';
import { type RegistryServer, startRegistry } from './registry-server.ts';

const user = podmanUser(layout);
const foreign = hostArchitecture === 'amd64' ? 'arm64' : 'amd64';

/** An image that says that it is for another processor. */
async function foreignImage(): Promise<AsyncDisposable & { readonly name: string }> {
  const name = `localhost/bulkhead-test/foreign-${process.pid}:1`;
  await user.exec('sh', [
    '-c',
    'cd / && tar -c etc/hostname | podman import --quiet --arch "$0" - "$1"',
    foreign,
    name,
  ]);
  return { name, [Symbol.asyncDispose]: () => forgetImage(name) };
}

/** Two images, one of them for this host, under one name. */
async function pushList(registry: RegistryServer, path: string, members: readonly string[]): Promise<void> {
  const list = `localhost/bulkhead-test/list-${process.pid}`;
  await user.exec('podman', ['manifest', 'create', list], { stdout: 'ignore' });
  try {
    for (const member of members) {
      await user.exec('podman', ['manifest', 'add', list, `containers-storage:${member}`], { stdout: 'ignore' });
    }
    await user.exec('podman', ['manifest', 'push', '--all', list, `docker://${registry.address}/${path}`]);
  } finally {
    await user.exec('podman', ['manifest', 'rm', list], { stdout: 'ignore' });
  }
}

/** A registry with a list of images under one name, one of them foreign, and a runner; the store has none of them. */
async function listedForBoth() {
  await using made = new AsyncDisposableStack();
  const other = made.use(await foreignImage());
  const registry = made.use(await startRegistry());
  const runner = made.use(await testRunner());
  await pushList(registry, 'group/both:1', [other.name, images.busybox]);
  const name = `${registry.address}/group/both:1`;
  made.defer(() => forgetImage(name));
  const kept = made.move();
  return { name, runner, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const on = (name: string, platform: string, ...pullPolicy: string[]) => ({ name, platform, pullPolicy });

test('the platform that a job asks for is what it gets', async () => {
  await using both = await listedForBoth();
  const { name, runner } = both;
  // The operator's other tools may have left a foreign image under the name.
  await user.exec('podman', ['pull', '--quiet', '--arch', foreign, name]);
  assert.equal((await podman.getImage(name).inspect()).Architecture, foreign);
  const never = await runner.prepare(on(name, hostArchitecture, 'never'));
  assert.equal(never.exitCode, 1, never.log);
  assert.match(never.log, new RegExp(`not in this runner's local store for that platform, only for linux/${foreign}`));
  const result = await runner.play(on(name, `linux/${hostArchitecture}`, 'if-not-present'));
  assert.equal(result.state, 'success', result.log);
  assert.ok(result.log.includes(`Pulling image ${name} for linux/${hostArchitecture} ...`), result.log);
  const again = await runner.play(on(name, `linux/${hostArchitecture}`, 'if-not-present'));
  assert.deepEqual([again.state, again.log.includes('Pulling')], ['success', false], again.log);
});

test('a foreign image under the name is not taken, whoever left it there', async () => {
  await using both = await listedForBoth();
  const { name, runner } = both;
  await user.exec('podman', ['pull', '--quiet', '--arch', foreign, name]);
  const result = await runner.play({ name, pullPolicy: ['if-not-present'] });
  assert.equal(result.state, 'success', result.log);
  assert.match(result.log, /Pulling/);
});

test('another platform is refused before anything is pulled', async () => {
  await using registry = await startRegistry();
  await using proxy = await startRegistryProxy(registry);
  await using runner = await testRunner();
  const result = await runner.play(on(`${proxy.address}/group/tool:1`, `linux/${foreign}`));
  assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'script_failure', 1], result.log);
  assert.match(result.log, /\(image-platform-unavailable: /);
  assert.equal(proxy.calls.length, 0);
});

test('an image that its registry has for another platform alone is refused where one was asked for', async () => {
  await using other = await foreignImage();
  await using registry = await startRegistry();
  await using runner = await testRunner();
  const name = await registry.push(other.name, 'group/foreign:1');
  try {
    const asked = await runner.prepare(on(name, hostArchitecture));
    assert.equal(asked.exitCode, 1, asked.log);
    assert.match(asked.log, /\(image-platform-unavailable: /);
    const unasked = await runner.prepare(name);
    assert.match(unasked.log, new RegExp(`WARNING: image \\S+ says that it is for linux/${foreign}`));
  } finally {
    await forgetImage(name);
  }
});
