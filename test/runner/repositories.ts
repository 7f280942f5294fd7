import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CommitFiles, makeRepository } from '../player/repository.ts';
import type { GitLab } from './gitlab/server.ts';

const run = promisify(execFile);

/** Makes a repository on the server with these commits on `main`. Returns their hashes, oldest first. */
export async function pushCommits(
  gitlab: GitLab,
  projectPath: string,
  commits: readonly CommitFiles[],
): Promise<readonly string[]> {
  const made = await makeRepository(commits, { projectPath });
  await cp(join(made.root, `${projectPath}.git`), bare(gitlab, projectPath), { recursive: true });
  await made.remove();
  return made.shas;
}

/** Puts a submodule on top of `main` of a repository that is there. Returns the new commit. */
export async function pushSubmodule(
  gitlab: GitLab,
  projectPath: string,
  { path, url, sha }: { readonly path: string; readonly url: string; readonly sha: string },
): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'bulkhead-submodule-'));
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=Sample Author', '-c', 'user.email=author@example.com'];
    const env = { PATH: process.env['PATH'], HOME: work, GIT_CONFIG_NOSYSTEM: '1', GIT_LFS_SKIP_SMUDGE: '1' };
    return (await run('git', [...identity, ...args], { cwd: work, env })).stdout.trim();
  };
  try {
    await git('clone', '--quiet', '--no-checkout', bare(gitlab, projectPath), '.');
    await git('read-tree', 'HEAD');
    await writeFile(join(work, '.gitmodules'), `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`);
    await git('update-index', '--add', '.gitmodules');
    await git('update-index', '--add', '--cacheinfo', `160000,${sha},${path}`);
    await git('commit', '--quiet', '-m', 'A submodule');
    await git('push', '--quiet', 'origin', 'HEAD:main');
    return await git('rev-parse', 'HEAD');
  } finally {
    await rm(work, { recursive: true });
  }
}

function bare(gitlab: GitLab, projectPath: string): string {
  return join(gitlab.repositories, `${projectPath}.git`);
}
