import assert from 'node:assert/strict';
import { test } from 'node:test';
import { images, policyWith, TestJob } from './host.ts';

/** Plays a whole job; what goes wrong in prepare decides whether the runner tries again. */
async function play(image: string, variables: Record<string, string> = {}) {
  await using policy = await policyWith({ images: { allow: ['*/**'] } });
  await using job = new TestJob({ image, variables, script: ['echo ran'] }, { env: policy.env });
  const result = await job.player.play();
  await job.assertNothingLeft();
  return { ...result, prepares: result.stages.filter(({ stage }) => stage === 'prepare').length };
}

for (const [what, image, code] of [
  ['an image that is not there', 'localhost/bulkhead/no-such-image:1', 'image-not-found'],
  ['an image without a shell', images.noShell, 'shell-not-found'],
  ['an upper-case name', 'localhost/Bulkhead/Busybox:1', 'image-reference-invalid'],
  ['a transport', 'docker-archive:/etc/passwd', 'image-reference-invalid'],
  ['two digests', `localhost/a@sha256:${'0'.repeat(64)}@sha256:${'0'.repeat(64)}`, 'image-reference-invalid'],
  ['a name that forges log lines', 'a\u001b[2Jb\nfake', 'image-reference-invalid'],
] as const) {
  test(`${what} is the author's mistake: final at once`, async () => {
    const result = await play(image);
    assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'script_failure', 1], result.log);
    assert.ok(result.log.includes(`(${code}: `), result.log);
    assert.ok(!result.log.includes('\u001b[2J'));
  });
}

test('a registry that cannot be reached is a system failure, tried three times', async () => {
  const result = await play('registry.invalid/some/image:1');
  assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'runner_system_failure', 3], result.log);
  assert.match(result.log, /\(image-pull-failed: /);
});

test('variables in the image name are expanded once, by the runner', async () => {
  const result = await play('localhost/bulkhead/$WHICH', { WHICH: 'busybox:1' });
  assert.equal(result.state, 'success', result.log);
  const twice = await play('localhost/bulkhead/$OUTER', { OUTER: '$$$$INNER', INNER: 'busybox:1' });
  assert.equal(twice.state, 'failed', twice.log);
  assert.match(twice.log, /\(image-reference-invalid: /);
});

test('a job without an image gets the default one', async () => {
  await using job = new TestJob({ image: '', script: ['python3 --version'] });
  const result = await job.player.play();
  assert.equal(result.state, 'success', result.log);
});
