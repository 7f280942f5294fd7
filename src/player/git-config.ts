import { posix } from 'node:path';
import type { Build } from './build.ts';
import type { ShellWriter } from './shell-writer.ts';

const externalConfig = '.gitlab-runner.ext.conf';

/** Holds the path of the configuration file with the job token, for the rest of the script. */
export const externalConfigVariable = 'GLR_EXT_GIT_CONFIG_PATH';

/** The directory that `git init` copies into a new repository's .git. */
export function template(script: ShellWriter): string {
  return script.temporaryFile('git-template');
}

/** The repository's URL as GitLab sent it (with the job token), and bare. */
export function remote(build: Build): { authenticated: string; bare: string; host: string } {
  const url = new URL(build.job.git_info.repo_url);
  const authenticated = url.href;
  url.username = '';
  url.password = '';
  return { authenticated, bare: url.href, host: url.origin };
}

/**
 * A template for `git init` whose configuration includes one more file in `<project>.tmp`. Only that file holds the
 * job token, in an insteadOf rule, so the token is not in the project's own .git/config.
 */
export function writeTemplate(script: ShellWriter, build: Build): void {
  script.makeDirectory(template(script));
  const config = posix.join(template(script), 'config');
  const external = script.temporaryFile(externalConfig);
  script.command('git', 'config', '-f', config, 'init.defaultBranch', 'none');
  script.command('git', 'config', '-f', config, 'fetch.recurseSubmodules', 'false');
  script.command('git', 'config', '-f', config, 'credential.interactive', 'never');
  script.command('git', 'config', '-f', config, 'gc.autoDetach', 'false');

  script.removeFile(external);
  for (const [replacement, original] of insteadOfs(build)) {
    const pattern = `^${goQuoteMeta(original)}$`;
    const key = `url.${replacement}.insteadOf`;
    script.commandExpanding('git', 'config', '--file', external, '--replace-all', key, original, pattern);
  }
  writeInclude(script, config, external);
  script.exportExpanding(externalConfigVariable, external);
}

/** Makes a configuration file include the one with the job token. */
export function writeInclude(script: ShellWriter, config: string, included: string): void {
  const pattern = `${goQuoteMeta(externalConfig)}$`;
  script.commandExpanding('git', 'config', '--file', config, '--replace-all', 'include.path', included, pattern);
}

/** Pairs of URL prefixes, [with the token, without]: the repository, the runner's GitLab, the repository's host. */
function insteadOfs(build: Build): [string, string][] {
  const { authenticated, bare } = remote(build);
  const rules: [string, string][] = [];
  if (authenticated !== bare) rules.push([authenticated, bare]);
  for (const base of [new URL(build.runner.url), new URL(new URL(bare).origin)]) {
    const plain = base.href.replace(/\/+$/, '');
    base.username = 'gitlab-ci-token';
    base.password = build.job.token;
    rules.push([base.href.replace(/\/+$/, ''), plain]);
  }
  return [...new Map(rules.map((rule) => [rule.join(' '), rule])).values()];
}

/** Go's regexp.QuoteMeta: git reads these patterns as extended regular expressions. */
function goQuoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** Removes what a killed git left locked, and every configuration and hook an earlier job could have planted. */
export function writeGitCleanup(script: ShellWriter, build: Build): void {
  const git = posix.join(build.projectDir, '.git');
  for (const name of ['index.lock', 'shallow.lock', 'HEAD.lock', 'hooks/post-checkout', 'config.lock']) {
    script.removeFile(posix.join(git, name));
  }
  script.removeFilesNamed(posix.join(git, 'refs'), '*.lock');
  if (build.gitStrategy === 'none') return;
  for (const directory of [template(script), git]) {
    script.removeFile(posix.join(directory, 'config'));
    script.removeDirectory(posix.join(directory, 'hooks'));
  }
}

/** Makes a credential helper of the user's forget the job token; its failure counts for nothing. */
export function writeForgetCredentials(script: ShellWriter, build: Build): void {
  const question = `url=${remote(build).host}\nusername=gitlab-ci-token`;
  script.line(`echo ${script.quote(question)} | git credential reject || true`);
}
