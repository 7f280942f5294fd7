import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { ImageInput } from '../../src/player/job-input.ts';
import { variable } from '../../src/player/variables.ts';
import { labelKeys } from '../../src/sandbox/names.ts';
import { configurationWith, images, podman, TestJob } from './host.ts';

const repository = 'localhost/bulkhead/with-entrypoint';
const withEntrypoint = `${repository}:1`;

/** Says what it is called with, and sets a variable; the label claims that there is another. */
const program = 'echo "entrypoint: $0, $(id -u), $(pwd), $JOBS"; export FROM_ENTRYPOINT=set; exec "$0" "$@"';

before(async () => {
  const container = await podman.createContainer({ Image: images.busybox, Cmd: ['true'] });
  await container.commit({
    repo: repository,
    tag: '1',
    changes: [
      `ENTRYPOINT ${JSON.stringify(['/bin/sh', '-c', program])}`,
      `LABEL ${labelKeys.entrypoint}=["/bin/false"]`,
      'WORKDIR /opt',
    ].join('\n'),
  });
  await container.remove();
});
after(async () => {
  await podman.getImage(withEntrypoint).remove({ force: true });
});

const inJob = (image: ImageInput | string, options = {}) =>
  TestJob.prepared({ image, variables: [variable('JOBS', "it's")] }, options);

async function said(
  job: TestJob,
  script: string,
  stage?: string,
): Promise<[number | null, string | undefined, string]> {
  const { exitCode, exitCodeFile, stdout, stderr } = await job.sh(script, stage);
  return [exitCode, exitCodeFile, `${stdout}${stderr}`];
}

test("an image's runs before every script of the job's, and before none of the helper's", async () => {
  await using job = await inJob(withEntrypoint);
  const script = 'echo "script: $FROM_ENTRYPOINT"; cat; exit 7';
  const expected = "entrypoint: sh, 0, /opt, it's\nscript: set\n";
  assert.deepEqual(await said(job, script), [1, '7\n', expected]);
  assert.deepEqual(await said(job, script, 'after_script'), [1, '7\n', expected]);
  assert.deepEqual(await said(job, script, 'get_sources'), [1, '7\n', 'script: \n']);
});

test("the job's takes its place, and one empty word is none", async () => {
  const script = 'echo "script: $FROM_ENTRYPOINT $X"';
  for (const [entrypoint, expected] of [
    [['env', "X=a  '$(id)'"], "script:  a  '$(id)'\n"],
    [[''], 'script:  \n'],
    [[], "entrypoint: sh, 0, /opt, it's\nscript: set \n"],
  ] as const) {
    await using job = await inJob({ name: withEntrypoint, entrypoint });
    assert.deepEqual(await said(job, script), [0, undefined, expected]);
  }
});

test('runs as the user of the job', async () => {
  await using job = await inJob({ name: withEntrypoint, user: '1000:1000' });
  assert.deepEqual(await said(job, 'id -u'), [0, undefined, "entrypoint: sh, 1000, /opt, it's\n1000\n"]);
});

test('may become another user, as far as the policy lets root', async () => {
  const entrypoint = ['/bin/sh', '-c', 'exec setpriv --reuid=1000 --regid=1000 --clear-groups "$0" "$@"'];
  await using job = await inJob({ name: images.python, entrypoint });
  assert.deepEqual(await said(job, 'id -u; touch /builds/x && echo made; sleep 300 & exit 3'), [
    1,
    '3\n',
    '1000\nmade\n',
  ]);
  assert.doesNotMatch((await job.sh('for d in /proc/[0-9]*; do cat $d/comm; done')).stdout.toString(), /^sleep$/m);
});

suite('in one job', () => {
  for (const name of [images.busybox, images.python]) {
    for (const [what, entrypoint, expected] of [
      ['that only starts a shell: it reads the script', ['/bin/sh', '-c'], [1, '4\n', 'script sh\n']],
      [
        'that reads its input: the script is there',
        ['/bin/sh', '-c', 'cat >/dev/null; "$0" "$@"'],
        [1, '4\n', /^script \/b/],
      ],
      ['that does not run what it is given: it decides', ['/bin/sh', '-c', 'echo no; exit 5'], [1, '5\n', 'no\n']],
      ['that does nothing, with success', ['true'], [0, undefined, '']],
    ] as const) {
      test(`one ${what} (${name})`, async () => {
        await using job = await inJob({ name, entrypoint });
        const [exitCode, file, text] = await said(job, 'echo "script $0"; exit 4');
        assert.deepEqual([exitCode, file], expected.slice(0, 2));
        if (expected[2] instanceof RegExp) assert.match(text, expected[2]);
        else assert.equal(text, expected[2]);
      });
    }

    test(`one that is not there is said, and is the job's failure (${name})`, async () => {
      await using job = await inJob({ name, entrypoint: ['/no/\u001b[2Jsuch', '--'] });
      const [exitCode, file, text] = await said(job, 'echo script');
      assert.deepEqual([exitCode, file], [1, '127\n']);
      assert.match(
        text,
        /^bulkhead: ERROR: the job's entrypoint "\/no\/\\u001b\[2Jsuch" is no program .*\n.*\n.*\(entrypoint-not-found: /,
      );
      assert.deepEqual(await said(job, 'echo helper', 'get_sources'), [0, undefined, 'helper\n']);
    });
  }
});

test('one of 100 KB, or one that begins with nothing, is refused before anything is made', async () => {
  for (const entrypoint of [
    ['/bin/sh', '-c', 'x'.repeat(100_000)],
    ['', 'x'],
  ]) {
    await using job = new TestJob({ image: { name: images.busybox, entrypoint } });
    await job.player.stage('config');
    const { exitCode, stdout, stderr } = await job.player.stage('prepare');
    assert.equal(exitCode, 1);
    assert.match(
      `${stdout}${stderr}`,
      /^bulkhead: ERROR: the entrypoint that the job asks for [^\n]{0,100}\n.*\n.*\(entrypoint-invalid: /m,
    );
    await job.assertNothingLeft();
  }
});

test('a stage that is canceled ends in spite of an entrypoint that ignores TERM, with all that it started', async () => {
  await using configuration = await configurationWith({ terminationGraceSeconds: 1 });
  const entrypoint = ['/bin/sh', '-c', 'trap "" TERM; sleep 300 & setsid sleep 301 & "$0" "$@"'];
  await using job = await inJob({ name: images.busybox, entrypoint }, { env: { BULKHEAD_CONFIG: configuration.path } });
  const process = await job.player.startRun('build_script', 'echo going; sleep 302\n');
  await process.outputs('going');
  const result = await process.terminate(60_000, 10_000);
  assert.deepEqual([result.exitCode, result.signal, result.abandoned], [2, null, false]);
  const listing = await job.sh('for d in /proc/[0-9]*; do cat $d/cmdline | tr "\\0" " "; echo; done', 'after_script');
  assert.doesNotMatch(listing.stdout.toString(), /sleep 302/);
});
