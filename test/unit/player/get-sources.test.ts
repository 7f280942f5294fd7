import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GitServer } from '../../player/git-server.ts';
import { makeRepository, type Repository } from '../../player/repository.ts';
import { FakeDriver } from './fake-driver.ts';

const token = 'glcbt-secret_token-for-git';
let repository: Repository;
let server: GitServer;

before(async () => {
  repository = await makeRepository([
    { 'old.txt': 'old\n' },
    { 'old.txt': null, 'run.sh': { content: 'echo ran\n', mode: 0o755 } },
  ]);
  server = await GitServer.start({ root: repository.root, token, address: '127.0.0.1' });
});

after(async () => {
  await server.close();
  await repository.remove();
});

function job(sha: string, variables: Record<string, string> = {}) {
  return { gitlabUrl: server.url, token, git: { sha }, script: ['./run.sh'], variables };
}

for (const strategy of ['fetch', 'clone']) {
  for (const depth of [20, 0]) {
    test(`${strategy} with depth ${depth} checks out the commit, and keeps the token out of the project`, async () => {
      using driver = new FakeDriver();
      const input = job(repository.sha, { GIT_STRATEGY: strategy });
      const player = driver.player(
        { ...input, git: { sha: repository.sha, depth } },
        {},
        { runner: { url: server.url } },
      );
      const result = await player.play();
      assert.equal(result.state, 'success', result.log);
      assert.match(result.log, /^ran$/m);
      const project = player.build.projectDir;
      assert.equal(existsSync(join(project, 'old.txt')), false);
      assert.doesNotMatch(readFileSync(join(project, '.git/FETCH_HEAD'), 'utf8'), /secret_token/);
    });
  }
}

test('a second job in the same place gets a clean tree', async () => {
  using driver = new FakeDriver();
  const first = driver.player(job(repository.sha));
  assert.equal((await first.play()).state, 'success');
  writeFileSync(join(first.build.projectDir, 'left-over'), '');
  writeFileSync(join(first.build.projectDir, '.git/index.lock'), '');
  assert.equal((await driver.player(job(repository.sha)).play()).state, 'success');
  assert.equal(existsSync(join(first.build.projectDir, 'left-over')), false);
});

test('a second attempt at get_sources is preceded by clear_worktree', async () => {
  using driver = new FakeDriver();
  const result = await driver.player(job('f'.repeat(40), { GET_SOURCES_ATTEMPTS: '2' })).play();
  assert.equal(result.state, 'failed');
  assert.deepEqual(driver.stages.slice(0, 4), ['prepare_script', 'get_sources', 'clear_worktree', 'get_sources']);
  assert.deepEqual(driver.stages.slice(4), ['cleanup_file_variables']);
});

test('the strategy empty leaves nothing there', async () => {
  using driver = new FakeDriver();
  const input = { ...job(repository.sha, { GIT_STRATEGY: 'empty' }), script: ['pwd', 'ls -A | wc -l'] };
  const result = await driver.player(input).play();
  assert.match(result.log, /group\/project-empty\n.*\n0$/m);
});

test('the server refuses a wrong token', async () => {
  const path = `${server.url}/group/project.git/info/refs?service=git-upload-pack`;
  const wrong = `Basic ${Buffer.from('gitlab-ci-token:wrong').toString('base64')}`;
  const right = `Basic ${Buffer.from(`gitlab-ci-token:${token}`).toString('base64')}`;
  assert.equal((await fetch(path)).status, 401);
  assert.equal((await fetch(path, { headers: { authorization: wrong } })).status, 401);
  assert.equal((await fetch(path, { headers: { authorization: right } })).status, 200);
});
