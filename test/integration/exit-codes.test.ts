import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ownPrograms } from '../player/player.ts';
import { images, TestJob } from './host.ts';

let job: TestJob;
before(async () => {
  job = await TestJob.prepared();
});
after(async () => {
  await job[Symbol.asyncDispose]();
});

for (const [script, code] of [
  ['exit 1', 1],
  ['exit 2', 2],
  ['exit 3', 3],
  ['exit 137', 137],
  ['exit 255', 255],
  ['kill -9 $$', 137],
  ['kill -15 $$', 143],
  ['nosuchcommand', 127],
] as const) {
  test(`"${script}" is a build failure with exit code ${code}`, async () => {
    const result = await job.sh(script);
    assert.equal(result.exitCode, 1, result.stdout.toString());
    assert.equal(result.exitCodeFile, `${code}\n`);
  });
}

for (const user of ['nosuch', '1000:nosuch', '99999999999']) {
  test(`an image without the user ${user} fails the job that asks for it, and not this host`, async () => {
    await using unknown = new TestJob({ image: { name: images.busybox, user } });
    await unknown.player.stage('config');
    const prepare = await unknown.player.stage('prepare');
    assert.equal(prepare.exitCode, 1, prepare.stdout.toString());
    assert.match(prepare.stdout.toString(), /\(image-user-unknown: /);
    await unknown.assertNothingLeft();
  });
}

test('an earlier exit code does not leak into a later stage', async () => {
  assert.equal((await job.sh('exit 42')).exitCodeFile, '42\n');
  const passed = await job.sh('exit 0');
  assert.deepEqual([passed.exitCode, passed.exitCodeFile], [0, undefined]);
  assert.equal((await job.sh('exit 43')).exitCodeFile, '43\n');
  const path = join(await job.player.directory(), 'missing-script');
  const systemFailure = driver(['run', path, 'build_script'], await job.surroundings());
  assert.equal(systemFailure.status, 2);
  assert.equal((await job.sh('true')).exitCodeFile, undefined);
});

test('an exit code that cannot be written down is a system failure, since GitLab would show another', async () => {
  const env = { ...(await job.surroundings()), BUILD_EXIT_CODE_FILE: '/nonexistent/code' };
  const result = driver(['run', '-', 'build_script'], env, 'exit 9');
  assert.equal(result.status, 2);
  assert.match(result.stdout, /exit-code-file-unwritable/);
});

test('the script may come on standard input', async () => {
  const result = driver(['run', '-', 'build_script'], await job.surroundings(), 'echo from stdin; exit 5');
  assert.deepEqual([result.status, result.stdout], [1, 'from stdin\n']);
});

test('a script path that is not a file is a system failure', async () => {
  for (const path of ['/nonexistent', '/proc', '/']) {
    const result = driver(['run', path, 'build_script'], await job.surroundings());
    assert.equal(result.status, 2, path);
    assert.match(result.stdout, /script-unreadable/);
  }
});

function driver(args: string[], env: Record<string, string>, input = '') {
  const { executable } = ownPrograms.run;
  return spawnSync(executable, args, { env, input, encoding: 'utf8' });
}
