import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type PipelineJob, parsePipeline } from '../../../src/local/pipeline.ts';
import { jobInput, parseTimeout } from '../../../src/local/pipeline-job.ts';
import { makeJob } from '../../../src/player/job.ts';
import { valueNamed, variable } from '../../../src/player/variables.ts';

const plain = {
  ...{ name: 'test', stage: 'test', when: 'on_success', needs: [], trigger: false },
  ...{ image: { name: 'debian:12' }, services: [], variables: {}, artifacts: null, timeout: null },
  ...{ beforeScript: [], script: ['true'], afterScript: [] },
};
const read = (...jobs: object[]): PipelineJob[] => parsePipeline(`noise\n${JSON.stringify({ jobs })}\n`);

suite("the reader's answer", () => {
  test('is its last line', () => {
    assert.equal(read(plain)[0]?.name, 'test');
  });

  test('names images by a text or an object, and numbers are texts', () => {
    const [job] = read({
      ...plain,
      image: 'debian:12',
      services: ['redis:7', { name: 'db', alias: 'x', variables: { PORT: 1 }, pull_policy: 'always' }],
      script: ['a', 1],
    });
    assert.deepEqual(job?.image, { name: 'debian:12' });
    assert.deepEqual(job?.services[1], { name: 'db', alias: 'x', variables: { PORT: '1' }, pull_policy: ['always'] });
    assert.deepEqual(job?.script, ['a', '1']);
  });

  for (const [what, output, message] of [
    ['says what is wrong', '{"error":"no such stage"}', /cannot be read: no such stage/],
    ['is missing', 'Killed', /without an answer: Killed/],
    ['has no jobs', '{}', /jobs/],
    ['has a job without a name', JSON.stringify({ jobs: [{ ...plain, name: undefined }] }), /jobs\.0\.name/],
    // It would be shell in every script of the job.
    [
      'has a variable that is none',
      JSON.stringify({ jobs: [{ ...plain, variables: { 'A=1; x': '' } }] }),
      /variables\.A=1; x: Invalid key/,
    ],
  ] as const) {
    test(`that ${what} is no pipeline`, () => {
      assert.throws(() => parsePipeline(output), { code: 'pipeline-invalid', message });
    });
  }
});

suite('a job of a pipeline', () => {
  test('becomes what GitLab sends, the variables of the command line last', () => {
    const [job] = read({
      ...plain,
      image: {
        name: 'debian:12',
        entrypoint: [''],
        pull_policy: ['never'],
        docker: { user: 1000, platform: 'linux/arm64' },
      },
      services: [{ name: 'redis:7', alias: 'cache', command: ['x'] }],
      variables: { A: 'pipeline', B: 'b' },
      beforeScript: ['before'],
      afterScript: ['after'],
      timeout: '10 minutes',
    });
    assert.ok(job);
    const sent = makeJob(jobInput(job, [variable('A', 'given')]));
    assert.equal(valueNamed(sent.variables ?? [], 'A'), 'given');
    assert.equal(valueNamed(sent.variables ?? [], 'B'), 'b');
    assert.deepEqual(
      sent.steps?.map(({ name, script }) => [name, script]),
      [
        ['script', ['before', 'true']],
        ['after_script', ['after']],
      ],
    );
    assert.equal(sent.runner_info.timeout, 600);
    assert.deepEqual(sent.image.executor_opts.docker, { platform: 'linux/arm64', user: '1000' });
    assert.deepEqual([sent.image.entrypoint, sent.image.pull_policy], [[''], ['never']]);
    assert.deepEqual([sent.services?.[0]?.alias, sent.services?.[0]?.command], ['cache', ['x']]);
  });

  test('brings no caches and artifacts: there is nobody to keep them', () => {
    const [job] = read({ ...plain, artifacts: { paths: ['x'] } });
    assert.ok(job);
    const { artifacts, cache } = makeJob(jobInput(job, []));
    assert.deepEqual([artifacts, cache], [null, null]);
  });

  test('is refused before it runs when its artifacts have a glob that is none', () => {
    const [job] = read({ ...plain, artifacts: { paths: ['ok'], exclude: ['a/{b'] } });
    assert.ok(job);
    const message = 'the artifacts cannot be kept: the glob "a/{b" has a { that no } ends';
    assert.throws(() => jobInput(job, []), { code: 'artifacts-unusable', blame: 'job', message });
  });

  for (const [text, seconds] of [
    ['1h 30m', 5400],
    ['90 minutes', 5400],
    ['1 hour and 5 seconds', 3605],
    ['3600', 3600],
    ['1 month', 2_592_000],
    ['2mins 3 secs', 123],
    ['3 moons', undefined],
    [`${'1'.repeat(200_000)}!`, undefined],
    ['0', undefined],
    ['soon', undefined],
    ['1h; rm', undefined],
  ] as const) {
    test(`timeout: ${text.slice(0, 20)} is ${seconds}`, () => assert.equal(parseTimeout(text), seconds));
  }
});
