import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { JobInput } from '../../src/player/job.ts';
import { type PlayedJob, Suite } from './suite.ts';

const suite = await Suite.start();
after(() => suite[Symbol.asyncDispose]());

const cache = [{ key: 'default', paths: ['kept/'] }];
const writing: JobInput = { cache, script: ['mkdir -p kept', 'echo "by $CI_JOB_ID" >kept/file'] };
const reading: JobInput = {
  cache: [{ ...cache[0], paths: ['kept/'], policy: 'pull' }],
  script: ['cat kept/file || echo nothing'],
};

async function passed(input: JobInput): Promise<PlayedJob> {
  const job = await suite.play(input);
  assert.equal(job.final.state, 'success', job.log);
  return job;
}

describe('cache', { concurrency: 2 }, () => {
  test('goes from job to job of a project, and to no other project', async () => {
    const project = { id: 71, path: 'group/cached' };
    const first = await passed({ ...writing, project });
    assert.match(first.log, /Created cache/);
    const second = await passed({ ...reading, project });
    assert.match(second.log, new RegExp(`^by ${first.id}$`, 'm'));
    const other = await passed({ ...reading, project: { id: 72, path: 'group/cached' } });
    assert.match(other.log, /^nothing$/m);
  });

  test('does not go from unprotected refs to protected ones, nor back', async () => {
    const project = { id: 73, path: 'group/tiers' };
    const git = (isProtected: boolean | null): JobInput => ({
      project,
      git: { protected: isProtected },
      variables: { GIT_STRATEGY: 'none' },
    });
    const first = await passed({ ...writing, ...git(false) });
    assert.match((await passed({ ...reading, ...git(true) })).log, /^nothing$/m);
    // GitLab before 18.3 does not say.
    assert.match((await passed({ ...reading, ...git(null) })).log, new RegExp(`^by ${first.id}$`, 'm'));
    const own = await passed({ ...writing, ...git(true) });
    assert.match((await passed({ ...reading, ...git(true) })).log, new RegExp(`^by ${own.id}$`, 'm'));
    assert.match((await passed({ ...reading, ...git(false) })).log, new RegExp(`^by ${first.id}$`, 'm'));
  });
});

describe('artifacts', { concurrency: 4 }, () => {
  test('go up on success, and down into a job that depends on it', async () => {
    const maker = await passed({
      script: ['mkdir -p out', 'echo made >out/file', 'echo left >other'],
      artifacts: [{ name: 'result', paths: ['out/'], expire_in: '1 week', when: 'on_success' }],
    });
    assert.deepEqual(
      maker.artifacts.map(({ filename, type, format, expireIn }) => ({ filename, type, format, expireIn })),
      [{ filename: 'result.zip', type: 'archive', format: 'zip', expireIn: '1 week' }],
    );
    const { id, token } = maker.response;
    const user = await passed({
      dependencies: [{ id, token, name: 'maker', artifacts_file: { filename: 'result.zip', size: 1 } }],
      script: ['cat out/file', 'ls'],
    });
    assert.match(user.log, /Downloading artifacts from coordinator\.\.\. ok/);
    assert.match(user.log, /^made$/m);
    assert.doesNotMatch(user.log, /^other$/m);
  });

  test('go up on failure where the job says so, and only those', async () => {
    const job = await suite.play({
      script: ['echo report >report', 'echo build >build', 'exit 7'],
      artifacts: [
        { name: 'report', paths: ['report'], when: 'on_failure' },
        { name: 'build', paths: ['build'], when: 'on_success' },
        { name: 'log', paths: ['report'], when: 'always', artifact_type: 'junit', artifact_format: 'gzip' },
      ],
    });
    assert.deepEqual(job.final, { state: 'failed', failureReason: 'script_failure', exitCode: 7 });
    assert.deepEqual(
      job.artifacts.map(({ filename, type, format }) => `${filename} ${type} ${format}`),
      ['report.zip archive zip', 'log.gz junit gzip'],
    );
  });

  test('of another job need its token', async () => {
    const maker = await passed({ script: ['echo made >file'], artifacts: [{ paths: ['file'] }] });
    const problems = suite.gitlab.problems.length;
    const user = await suite.play({
      dependencies: [
        { id: maker.id, token: 'glcbt-of-nobody', name: 'maker', artifacts_file: { filename: 'a.zip', size: 1 } },
      ],
      script: ['echo never'],
    });
    assert.equal(user.final.state, 'failed');
    assert.doesNotMatch(user.log, /^never$/m);
    // That was meant.
    suite.gitlab.problems.splice(problems);
  });
});
