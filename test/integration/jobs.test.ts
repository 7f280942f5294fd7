import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GitServer } from '../player/git-server.ts';
import { makeRepository } from '../player/repository.ts';
import { images, TestJob } from './host.ts';

const token = 'glcbt-64_integrationToken';

for (const [name, image] of [
  ['root', images.python],
  ['root with only sh', images.busybox],
  ['non-root', images.busyboxNonRoot],
] as const) {
  test(`a whole job passes in an image that is ${name}`, async () => {
    const repository = await makeRepository([
      { 'data/input.txt': 'one\n' },
      { 'data/input.txt': 'two\n', 'run.sh': { content: '#!/bin/sh\necho "ran $1"\n', mode: 0o755 } },
    ]);
    const server = await GitServer.start({ root: repository.root, token });
    try {
      await using job = new TestJob({
        image,
        token,
        gitlabUrl: server.url,
        project: { path: repository.projectPath },
        git: { sha: repository.sha, depth: 1 },
        variables: { GREETING: `it's "quoted" $(id) \\ ü` },
        beforeScript: ['echo before in $(pwd)'],
        script: [
          'dmesg | head -1',
          'cat data/input.txt',
          './run.sh here',
          'echo changed >> data/input.txt',
          'mkdir -p made/deep && echo new > made/deep/file',
          'printf "%s\\n" "$GREETING"',
        ],
        afterScript: ['cat data/input.txt made/deep/file', 'echo "status $CI_JOB_STATUS"'],
      });
      const result = await job.player.play();
      assert.equal(result.state, 'success', result.log);
      const log = result.log.replaceAll('\r', '');
      assert.match(log, /Starting gVisor\.\.\./);
      assert.match(log, /before in \/builds\/group\/project\n/);
      assert.match(log, /^two\n/m);
      assert.match(log, /ran here/);
      assert.ok(log.includes(`it's "quoted" $(id) \\ ü`), log);
      assert.match(log, /two\nchanged\nnew\n/);
      // Folded, with the details below.
      assert.match(
        log,
        /section_start:\d+:bulkhead_sandboxes\[collapsed=true\].*Isolation proven: .*\bgvisor\b.*\n {2}runtime .*runsc/,
      );
      assert.match(log, /\n {2}seccomp profile +baseline\n/);
      assert.ok(!log.includes(token), 'the job token is in the log');
      const names = result.stages.map(({ stage }) => stage);
      for (const stage of [
        'config',
        'prepare',
        'prepare_script',
        'get_sources',
        'build_script',
        'after_script',
        'cleanup',
      ]) {
        assert.ok(names.includes(stage), `${stage} ran (${names.join(' ')})`);
      }
    } finally {
      await server.close();
      await repository.remove();
    }
  });
}

test('the script finds bash where there is one, else sh', async () => {
  await using withBash = await TestJob.prepared({ image: images.python });
  assert.match((await withBash.sh('echo "bash=$BASH_VERSION"')).stdout.toString(), /^bash=\d/);
  await using onlySh = await TestJob.prepared({ image: images.busybox });
  assert.equal((await onlySh.sh('echo "bash=$BASH_VERSION"')).stdout.toString(), 'bash=\n');
});

test('what the helper writes, any user of the build image can change, and the other way round', async () => {
  await using job = await TestJob.prepared({ image: images.busyboxNonRoot });
  const helper = await job.sh('mkdir -p /builds/p/sub && echo a > /builds/p/sub/f && umask', 'get_sources');
  assert.equal(helper.stdout.toString(), '0000\n');
  const build = await job.sh(
    'id -u; cd /builds/p/sub && echo b >> f && rm -f gone && echo c > mine && mkdir d && umask',
  );
  assert.equal(build.exitCode, 0, build.stdout.toString());
  assert.match(build.stdout.toString(), /^1000\n0022\n$/);
  const again = await job.sh(
    'cat /builds/p/sub/f /builds/p/sub/mine && rm -r /builds/p',
    'upload_artifacts_on_success',
  );
  assert.equal(again.stdout.toString(), 'a\nb\nc\n');
});

test('the user that a job asks for is who its script is', async () => {
  for (const [user, ids] of [
    ['1000:1000', '1000:1000'],
    ['65534', '65534:'],
  ] as const) {
    await using job = await TestJob.prepared({ image: { name: images.busybox, user } });
    const build = await job.sh('echo "$(id -u):$(id -g)"; touch /builds/mine');
    assert.ok(build.stdout.toString().startsWith(ids), build.stdout.toString());
    assert.equal((await job.sh('id -u', 'get_sources')).stdout.toString(), '0\n', 'the helper is as without it');
  }
});

test('a stage name that is not known runs in the build sandbox', async () => {
  await using job = await TestJob.prepared({ image: images.busyboxNonRoot });
  for (const stage of ['step_release', 'something_new', 'step_../../x; y']) {
    assert.equal((await job.sh('id -u', stage)).stdout.toString(), '1000\n', stage);
  }
  assert.equal((await job.sh('id -u', 'archive_cache')).stdout.toString(), '0\n');
});
