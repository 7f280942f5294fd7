import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { variable } from '../../src/player/variables.ts';
import { images, type PlayedJob, Suite } from './suite.ts';

const suite = await Suite.start();
after(() => suite[Symbol.asyncDispose]());

const secret = 'hunter2-correct-horse';
const masked = variable('SECRET', secret, { masked: true, public: false });

function assertMasked(job: PlayedJob): void {
  assert.ok(!job.trace.text.includes(secret), job.log);
  assert.ok(!job.trace.text.includes(job.response.token), job.log);
  assert.ok(job.log.includes('[MASKED]'), job.log);
}

describe('masked variables', { concurrency: 4 }, () => {
  test('in what scripts print, whole and in pieces', async () => {
    const [head, tail] = [secret.slice(0, 7), secret.slice(7)];
    const job = await suite.play({
      variables: [masked],
      script: [
        'echo "$SECRET"',
        'echo "$CI_JOB_TOKEN"',
        `printf '%s' '${head}'; sleep 1; echo '${tail}'`,
        'echo "$SECRET" >&2',
      ],
      afterScript: ['echo a"$SECRET"b'],
    });
    assert.equal(job.final.state, 'success', job.log);
    assertMasked(job);
    assert.match(job.log, /^a\[MASKED\]b$/m);
  });

  test('in the errors of the driver', async () => {
    const job = await suite.play({ variables: [masked], image: 'localhost/absent/$SECRET:1' });
    assert.equal(job.final.state, 'failed');
    assert.match(job.log, /bulkhead: ERROR: .*\[MASKED\]/);
    assertMasked(job);
  });

  test('in the warnings of the driver', async () => {
    const job = await suite.play({
      variables: [masked],
      services: [`localhost/$SECRET/${images.busybox.split('/')[2]}`],
    });
    assertMasked(job);
  });

  test('in a debug trace', async () => {
    const job = await suite.play({
      variables: [masked, variable('CI_DEBUG_TRACE', 'true')],
      script: ['true "$SECRET"'],
    });
    assert.equal(job.final.state, 'success', job.log);
    assertMasked(job);
  });
});

test("nothing of a job in the runner's own log, which nobody masks", () => {
  assert.ok(!suite.runner.log.includes(secret));
  for (const job of suite.gitlab.jobs.values()) assert.ok(!suite.runner.log.includes(job.response.token));
});
