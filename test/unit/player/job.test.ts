import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Build, defaultRunner } from '../../../src/player/build.ts';
import { makeJob } from '../../../src/player/job.ts';
import { encodeJob } from '../../../src/player/job-response.ts';
import { servicesVariable } from '../../../src/player/services-variable.ts';
import { expand, variable } from '../../../src/player/variables.ts';

test("the response has the runner's fields, in its order, and null for lists that are not there", () => {
  const response = JSON.parse(encodeJob(makeJob()));
  assert.deepEqual(
    Object.keys(response).join(' '),
    'id token allow_git_fetch job_info git_info runner_info inputs variables steps image services artifacts cache ' +
      'credentials dependencies features policy_options suspend_options',
  );
  for (const list of ['services', 'artifacts', 'cache', 'credentials', 'dependencies']) {
    assert.equal(response[list], null, list);
  }
  assert.deepEqual(response.image, {
    name: '',
    executor_opts: { docker: { platform: '', user: '' }, kubernetes: { user: '' } },
  });
  assert.deepEqual(response.steps, [
    { name: 'script', script: ['true'], timeout: 3600, when: 'on_success', allow_failure: false },
  ]);
  assert.equal(
    response.git_info.repo_url,
    'http://gitlab-ci-token:glcbt-64_sampleJobToken@gitlab.invalid/group/project.git',
  );
});

test('an entrypoint of one empty text stays, an empty list goes', () => {
  assert.deepEqual(makeJob({ image: { name: 'i', entrypoint: [''] } }).image.entrypoint, ['']);
  assert.equal('entrypoint' in makeJob({ image: { name: 'i', entrypoint: [] } }).image, false);
});

test("text is escaped as Go's encoder does", () => {
  const text = encodeJob(makeJob({ script: ['a < b && c > d \u2028'] }));
  assert.match(text, /a \\u003c b \\u0026\\u0026 c \\u003e d \\u2028/);
  assert(text.endsWith('}\n'));
});

test('the protected flag may be missing', () => {
  assert.equal(makeJob({ git: { protected: null } }).git_info.protected, null);
});

test('variables expand once, and the job can override what GitLab predefines', () => {
  const build = new Build(
    makeJob({ variables: { A: '$B-${B}-$$-$9', B: '$C', CI_PROJECT_ID: '9999', RUNNER_TEMP_PROJECT_DIR: 'mine' } }),
    defaultRunner,
  );
  build.start('/builds', '/cache', false);
  const last = (key: string) => build.variables.findLast((each) => each.key === key)?.value;
  assert.equal(last('A'), '$C-$C-$-');
  assert.equal(last('CI_PROJECT_ID'), '9999');
  assert.equal(last('RUNNER_TEMP_PROJECT_DIR'), '/builds/group/project.tmp');
  assert.equal(last('CI_PROJECT_DIR'), '/builds/group/project');
});

test('a reference to a file variable gives its path', () => {
  const list = [variable('F', 'secret', { file: true }), variable('RUNNER_TEMP_PROJECT_DIR', '/b/p.tmp')];
  assert.equal(expand('see $F', list), 'see /b/p.tmp/F');
});

test('services come as JSON, image names expanded', () => {
  const input = {
    services: ['redis:$V', { name: 'pg', alias: 'db,other', entrypoint: [''], variables: { U: '$V' } }],
    variables: { V: '7' },
  };
  assert.deepEqual(JSON.parse(servicesVariable(new Build(makeJob(input), defaultRunner)).value), [
    { name: 'redis:7', alias: '', entrypoint: null, command: null },
    { name: 'pg', alias: 'db', entrypoint: [''], command: null, variables: { U: '7' } },
  ]);
  assert.equal(servicesVariable(new Build(makeJob(), defaultRunner)).value, '');
});
