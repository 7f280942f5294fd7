import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { JobInput } from '../../src/player/job.ts';
import { pushCommits, pushSubmodule } from './repositories.ts';
import { Suite } from './suite.ts';

const suite = await Suite.start();
after(() => suite[Symbol.asyncDispose]());

const large = Buffer.from('large file\n'.repeat(1000));
const library = await pushCommits(suite.gitlab, 'shared/library', [{ 'library.txt': 'of the submodule\n' }]);
const [first, second, third] = await pushCommits(suite.gitlab, 'group/project', [
  { 'file.txt': 'one\n' },
  { 'file.txt': 'two\n', 'bin/tool': { content: '#!/bin/sh\necho tool\n', mode: 0o755 } },
  {
    'file.txt': 'three\n',
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    'large.bin': suite.gitlab.largeFiles.add(large),
  },
]);
const withSubmodule = await pushSubmodule(suite.gitlab, 'group/project', {
  path: 'library',
  url: '../../shared/library.git',
  sha: library.at(-1) ?? '',
});

/** One commit, as GitLab has it fetched for pipelines. */
function only(sha = '') {
  return { sha, depth: 1, refspecs: [`+${sha}:refs/pipelines/501`] };
}

/** Counts commits where git is: in the helper. The file is for the script, which has none. */
const counting = { name: 'post_get_sources_script', script: ['git rev-list --count HEAD >commits'] } as const;

function job(git: NonNullable<JobInput['git']>, more: JobInput = {}): JobInput {
  return { git, hooks: [{ ...counting, script: [...counting.script] }], ...more };
}

describe('sources', { concurrency: 4 }, () => {
  test('a clone of all commits, executable files included', async () => {
    const { final, log } = await suite.play(
      job(
        { sha: third ?? '', depth: 0 },
        { variables: { GIT_STRATEGY: 'clone' }, script: ['cat file.txt commits', 'bin/tool'] },
      ),
    );
    assert.equal(final.state, 'success', log);
    assert.match(log, /^three\n3\n/m);
    assert.match(log, /^tool$/m);
  });

  test('a fetch of some commits, of an older one', async () => {
    const { final, log } = await suite.play(
      job(only(second), { variables: { GIT_STRATEGY: 'fetch' }, script: ['cat file.txt commits'] }),
    );
    assert.equal(final.state, 'success', log);
    assert.match(log, /Fetching changes with git depth set to 1/);
    assert.match(log, /^two\n1$/m);
  });

  test('a commit that is not there is a failure of the job, after a second attempt', async () => {
    const { final, log } = await suite.play(
      job({ sha: first?.replace(/^.{8}/, '00000000') ?? '', depth: 0 }, { variables: { GET_SOURCES_ATTEMPTS: '2' } }),
    );
    assert.equal(final.state, 'failed');
    assert.match(log, /WARNING: Retrying\.\.\./);
  });

  test('submodules', async () => {
    const { final, log } = await suite.play(
      job(
        { sha: withSubmodule, depth: 1 },
        {
          variables: { GIT_SUBMODULE_STRATEGY: 'recursive', GIT_SUBMODULE_DEPTH: '1' },
          script: ['cat library/library.txt'],
        },
      ),
    );
    assert.equal(final.state, 'success', log);
    assert.match(log, /^of the submodule$/m);
  });

  test('large files of Git LFS, and without them when the job says so', async () => {
    const play = (variables: Record<string, string>) =>
      suite.play(job(only(third), { variables, script: ['wc -c <large.bin'] }));
    const [pulled, skipped] = await Promise.all([play({}), play({ GIT_LFS_SKIP_SMUDGE: '1' })]);
    assert.equal(pulled.final.state, 'success', pulled.log);
    assert.match(pulled.log, new RegExp(`^${large.length}$`, 'm'));
    assert.equal(skipped.final.state, 'success', skipped.log);
    assert.match(skipped.log, /^13\d$/m);
  });

  test('no sources: the project folder is there, and empty', async () => {
    const { final, log } = await suite.play({ script: ['pwd', 'ls -A | wc -l'] });
    assert.equal(final.state, 'success', log);
    assert.match(log, /Skipping Git repository setup/);
    assert.match(log, /^\/builds\/group\/project\n.*\n0$/m);
  });

  test('hooks around get_sources, and no repository of another project for the job token', async () => {
    const { final, log } = await suite.play({
      git: only(third),
      hooks: [
        { name: 'pre_get_sources_script', script: ['echo "before, in $PWD"'] },
        {
          name: 'post_get_sources_script',
          script: ['echo "after: $(cat file.txt)"', `git ls-remote "$CI_SERVER_URL/other/project.git" || echo refused`],
        },
      ],
    });
    assert.equal(final.state, 'success', log);
    assert.match(log, /^before, in \S+$[\s\S]*Checking out [\s\S]*^after: three$/m);
    assert.match(log, /^refused$/m);
  });
});
