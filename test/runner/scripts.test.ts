import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { variable } from '../../src/player/variables.ts';
import { pushCommits } from './repositories.ts';
import { images, Suite } from './suite.ts';

const suite = await Suite.start();
after(() => suite[Symbol.asyncDispose]());

const [sha = ''] = await pushCommits(suite.gitlab, 'group/project', [{ 'file.txt': 'content' }]);

describe('scripts', { concurrency: 4 }, () => {
  test('before_script and script are one shell, after_script another', async () => {
    const { final, log } = await suite.play({
      beforeScript: ['export FROM_BEFORE=kept', 'cd /tmp'],
      script: ['echo "$FROM_BEFORE in $PWD"', 'exit 4'],
      afterScript: ['echo "<$FROM_BEFORE> in $PWD, $CI_JOB_STATUS"', 'exit 5'],
    });
    assert.deepEqual(final, { state: 'failed', failureReason: 'script_failure', exitCode: 4 });
    assert.match(log, /^kept in \/tmp$[\s\S]*^<> in \/builds\/group\/project, failed$/m);
  });

  test('after_script of a job that passes', async () => {
    const { final, log } = await suite.play({ afterScript: ['echo "status $CI_JOB_STATUS"', 'false'] });
    assert.equal(final.state, 'success', log);
    assert.match(log, /^status success$/m);
  });

  for (const image of [images.busybox, images.python]) {
    test(`several lines and every kind of quote, with ${image}`, async () => {
      const { final, log } = await suite.play({
        image,
        variables: [
          variable('QUOTES', `it's "here" \`there\` $HOME \\ !`, { raw: true }),
          variable('LINES', 'one\ntwo\n'),
        ],
        script: [
          'for each in a "b c"; do\n  echo "<$each>"\ndone',
          `cat <<'END'\n'single' "double" \`back\` $NOT \\n\nEND`,
          'echo "$QUOTES"',
          'printf "%s|" "$LINES" "" "*"; echo',
          `echo 'it'"'"'s'`,
        ],
      });
      assert.equal(final.state, 'success', log);
      assert.match(log, /^<a>\n<b c>$/m);
      assert.ok(log.includes(`'single' "double" \`back\` $NOT \\n\n`), log);
      assert.ok(log.includes(`\nit's "here" \`there\` $HOME \\ !\n`), log);
      assert.ok(log.includes('\none\ntwo\n||*|\n'), log);
      assert.match(log, /^it's$/m);
    });
  }

  test('UTF-8 and colours come through as they are', async () => {
    const { log } = await suite.play({
      variables: { GREETING: 'Grüße, 世界 🎉' },
      script: ['echo "$GREETING"', `printf '\\033[31mred\\033[0m\\n'`],
    });
    assert.match(log, /^Grüße, 世界 🎉$/m);
    assert.ok(log.includes('\x1b[31mred\x1b[0m\n'));
  });

  test('GITLAB_ENV carries variables from stage to stage', async () => {
    const { final, log } = await suite.play({
      git: { sha },
      hooks: [{ name: 'post_get_sources_script', script: ['echo "FROM_HOOK=hooked" >>"$GITLAB_ENV"'] }],
      script: ['echo "script: $FROM_HOOK"', 'echo "FROM_SCRIPT=scripted" >>"$GITLAB_ENV"'],
      afterScript: ['echo "after: $FROM_HOOK $FROM_SCRIPT"'],
    });
    assert.equal(final.state, 'success', log);
    assert.match(log, /^script: hooked$/m);
    assert.match(log, /^after: hooked scripted$/m);
  });

  test('file variables are files, in every stage', async () => {
    const { final, log } = await suite.play({
      variables: [variable('SETTINGS', '{"a": 1}\nsecond line', { file: true })],
      script: ['echo "$SETTINGS"', 'cat "$SETTINGS"; echo "<"'],
      afterScript: ['wc -c <"$SETTINGS"'],
    });
    assert.equal(final.state, 'success', log);
    assert.match(log, /^\/builds\/group\/project\.tmp\/SETTINGS$\n.*\n\{"a": 1\}\nsecond line<$/m);
    assert.match(log, /^20$/m);
  });

  test('a release step runs after the script, in the image of the job', async () => {
    const { final, log } = await suite.play({
      script: ['echo script'],
      extraSteps: [{ name: 'release', script: ['echo releasing', 'pwd'] }],
      afterScript: ['echo after'],
    });
    assert.equal(final.state, 'success', log);
    assert.match(log, /^script$[\s\S]*^releasing$[\s\S]*^\/builds\/group\/project$[\s\S]*^after$/m);
    assert.ok(suite.runner.stages.includes('run step_release'));
  });

  test('an image with nothing but sh, whose user is not root', async () => {
    const { final, log } = await suite.play({
      image: images.busyboxNonRoot,
      script: ['id -u', 'echo mine >file', 'cat file'],
      afterScript: ['cat file'],
    });
    assert.equal(final.state, 'success', log);
    assert.match(log, /^1000$/m);
    assert.equal(log.match(/^mine$/gm)?.length, 2);
  });

  test('a debug trace, of which GitLab is told', async () => {
    // Busybox writes a line of the trace in pieces, and what goes to standard output may come between them: a moment later
    // there is nothing else under way.
    const job = await suite.play({ variables: { CI_DEBUG_TRACE: 'true' }, script: ['sleep 1; true traced'] });
    assert.equal(job.final.state, 'success', job.log);
    assert.match(job.log, /^\++ true traced$/m);
    assert.equal(job.debugTrace, true);
  });

  test('200 variables of 10 KB', async () => {
    const variables = Array.from({ length: 200 }, (_, index) =>
      variable(`LARGE_${index}`, `${String(index).padStart(4, '0')}${'x'.repeat(10_236)}`),
    );
    const { final, log } = await suite.play({
      variables,
      script: ['printf %s "$LARGE_0" | wc -c', 'printf %.4s "$LARGE_42"; echo'],
    });
    assert.deepEqual(final, { state: 'success', failureReason: undefined, exitCode: undefined }, log.slice(-3000));
    assert.match(log, /^10240\n.*\n0042$/m);
  });
});
