/**
 * Runs in a sandbox, never on the host: gitlab-ci-local evaluates `rules: if:` as JavaScript and puts `include:` into shell
 * commands, so whoever writes .gitlab-ci.yml can make it do anything. A bundle of its own (setup/bundle.ts).
 *
 * Usage: node read-pipeline.cjs <gitlab-ci-local> <input.json>, in the folder of the pipeline. Prints one line of JSON.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { parse, stringify } from 'yaml';
import { jobsOf, markRules } from './jobs.ts';

const [program = '', inputFile = ''] = process.argv.slice(2);
// The sandbox bounds what a bomb of aliases can do.
const yamlOptions = { maxAliasCount: -1 };
const maxBuffer = 32 * 1024 * 1024;

async function read(): Promise<object> {
  const { variables } = JSON.parse(readFileSync(inputFile, 'utf8')) as { variables: Record<string, string> };
  // They are for its own users: GitLab knows nothing of them.
  for (const name of readdirSync('.')) if (name.startsWith('.gitlab-ci-local')) rmSync(name, { recursive: true });
  await run('git', ['init', '--quiet', '--initial-branch=main']);
  // `include: local` looks at what is tracked.
  await run('git', ['-c', 'core.autocrlf=false', 'add', '--all', '--force']);
  // Without them it has warnings, which would be all that one sees of a real mistake.
  await run('git', ['remote', 'add', 'origin', 'https://gitlab.invalid/local/project.git']);
  await run('git', ['symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main']);
  for (const key of ['user.name', 'user.email']) await run('git', ['config', key, 'local@gitlab.invalid']);
  await run('git', ['commit', '--quiet', '--allow-empty', '--message', 'The working tree']);
  const preview = parse(from(/^---$/m, await gitlabCiLocal('.gitlab-ci.yml', variables, ['--preview'])), yamlOptions);
  const marked = '.bulkhead-marked.gitlab-ci.yml';
  writeFileSync(marked, stringify(markRules(preview)));
  const unchecked = ['--list-json', '--json-schema-validation=false'];
  const listed = JSON.parse(from(/^\[/m, await gitlabCiLocal(marked, variables, unchecked)));
  return { jobs: jobsOf(preview, listed) };
}

async function gitlabCiLocal(file: string, variables: Record<string, string>, options: string[]): Promise<string> {
  const state = mkdtempSync(join(tmpdir(), 'state-'));
  const places = ['--file', file, '--state-dir', relative(process.cwd(), state), '--home', state];
  const given = Object.entries(variables).flatMap(([key, value]) => ['--variable', `${key}=${value}`]);
  // It would look for changes in a history that is not there.
  const without = ['--no-color', '--evaluate-rule-changes=false'];
  const known = ['--ignore-predefined-vars', Object.keys(variables).join(',')];
  return run(process.execPath, [program, ...options, ...without, ...places, ...given, ...known]);
}

/** What it has to say besides comes before, on the same stream. */
function from(start: RegExp, output: string): string {
  return output.slice(Math.max(0, output.search(start)));
}

async function run(file: string, args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(file, args, { maxBuffer })).stdout;
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(stripVTControlCharacters(stderr).trim() || message);
  }
}

void read()
  .catch((error: Error) => ({ error: error.message }))
  .then((answer) => process.stdout.write(`\n${JSON.stringify(answer)}\n`));
