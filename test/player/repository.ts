import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The files of one commit: path → content, or content with a mode. Files of earlier commits stay unless null. */
export type CommitFiles = Readonly<Record<string, string | Buffer | { content: string; mode: number } | null>>;

export interface Repository {
  /** The directory that holds the bare repositories, for GitServer. */
  readonly root: string;
  /** `group/project`; the bare repository is `<root>/group/project.git`. */
  readonly projectPath: string;
  /** The commits' full hashes, oldest first. */
  readonly shas: readonly string[];
  /** The last commit. */
  readonly sha: string;
  remove(): Promise<void>;
}

/** Makes a bare repository with these commits on one branch, in a temporary directory. Needs git on PATH. */
export async function makeRepository(
  commits: readonly CommitFiles[],
  options: { readonly projectPath?: string; readonly branch?: string } = {},
): Promise<Repository> {
  const { projectPath = 'group/project', branch = 'main' } = options;
  const root = await mkdtemp(join(tmpdir(), 'bulkhead-git-'));
  const work = join(root, 'work');
  const bare = join(root, `${projectPath}.git`);
  await git(root, 'init', '--quiet', `--initial-branch=${branch}`, work);
  const shas: string[] = [];
  for (const [index, files] of commits.entries()) {
    await writeFiles(work, files);
    await git(work, 'add', '--all');
    await git(work, 'commit', '--quiet', '--allow-empty', '-m', `Commit ${index + 1}`);
    shas.push((await git(work, 'rev-parse', 'HEAD')).trim());
  }
  const sha = shas.at(-1);
  if (sha === undefined) throw new Error('a repository needs at least one commit');
  await mkdir(dirname(bare), { recursive: true });
  await git(root, 'clone', '--quiet', '--bare', work, bare);
  // Shallow fetches and fetches by hash are what runners do all day.
  await git(bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  await rm(work, { recursive: true });
  return { root, projectPath, shas, sha, remove: () => rm(root, { recursive: true, force: true }) };
}

async function writeFiles(work: string, files: CommitFiles): Promise<void> {
  for (const [path, file] of Object.entries(files)) {
    const target = join(work, path);
    if (file === null) {
      await rm(target);
      continue;
    }
    await mkdir(dirname(target), { recursive: true });
    const isPlain = typeof file === 'string' || Buffer.isBuffer(file);
    await writeFile(target, isPlain ? file : file.content, { mode: isPlain ? 0o644 : file.mode });
  }
}

/** Runs git untouched by the caller's own configuration, so that hashes depend on nothing but the content. */
async function git(cwd: string, ...args: string[]): Promise<string> {
  const date = '2026-01-02T03:04:05Z';
  const env = {
    PATH: process.env['PATH'],
    HOME: cwd,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Sample Author',
    GIT_AUTHOR_EMAIL: 'author@example.com',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: 'Sample Author',
    GIT_COMMITTER_EMAIL: 'author@example.com',
    GIT_COMMITTER_DATE: date,
  };
  const { stdout } = await run('git', args, { cwd, env });
  return stdout;
}
