import { arch } from 'node:os';
import { posix } from 'node:path';
import type { Build } from './build.ts';
import {
  externalConfigVariable,
  remote,
  template,
  writeForgetCredentials,
  writeGitCleanup,
  writeInclude,
  writeTemplate,
} from './git-config.ts';
import { writeCommands, writeExports } from './script-parts.ts';
import type { ShellWriter } from './shell-writer.ts';

/** The get_sources stage (shells/abstract.go writeGetSourcesScript), without submodules. */
export function writeGetSources(script: ShellWriter, build: Build): void {
  if (!['', 'none'].includes(build.setting('GIT_SUBMODULE_STRATEGY'))) {
    throw new Error('the player does not write submodule scripts: leave GIT_SUBMODULE_STRATEGY out');
  }
  writeExports(script, build);
  if (build.runner.sourceArchive !== undefined) {
    writeUnpack(script, build, build.runner.sourceArchive);
    return;
  }
  script.variable({ key: 'GIT_TERMINAL_PROMPT', value: '0' });
  script.variable({ key: 'GCM_INTERACTIVE', value: 'Never' });
  writeHook(script, build, 'pre_get_sources_script', 'pre_clone_script');

  const skipSmudge = build.booleanSetting('GIT_LFS_SKIP_SMUDGE', false);
  if (!skipSmudge) script.variable({ key: 'GIT_LFS_SKIP_SMUDGE', value: '1' });
  writeStrategy(script, build);
  if (usesGit(build) && build.booleanSetting('GIT_CHECKOUT', true)) {
    writeCheckout(script, build);
    if (!skipSmudge) {
      script.ifCommand(['git', 'lfs', 'version'], () => {
        script.command('git', 'lfs', 'pull');
        script.emptyLine();
      });
    }
  } else {
    script.notice('Skipping Git checkout');
  }
  script.notice('Skipping Git submodules setup');
  writeHook(script, build, 'post_get_sources_script', 'post_clone_script');
  writeForgetCredentials(script, build);
}

/** As Git leaves them under the helper's umask: everybody's, since the job's image may have any user. */
function writeUnpack(script: ShellWriter, build: Build, archive: string): void {
  script.notice('Unpacking the working tree...');
  script.makeDirectory(build.projectDir);
  const options = ['--extract', '--file', archive, '--directory', build.projectDir];
  script.command('tar', ...options, '--no-same-owner', '--preserve-permissions');
}

/** The clear_worktree stage, which precedes the second attempt at get_sources. */
export function writeClearWorktree(script: ShellWriter, build: Build): void {
  script.notice('Deleting tracked and untracked files...');
  script.ifDirectory(build.projectDir, () => {
    script.changeDirectory(build.projectDir);
    script.command('git', 'rm', '-rf', '--ignore-unmatch', '--quiet', '.');
    script.command('git', 'clean', '-ffdx', '-q');
  });
}

function usesGit(build: Build): boolean {
  return build.gitStrategy === 'fetch' || build.gitStrategy === 'clone';
}

function writeHook(script: ShellWriter, build: Build, name: string, prefix: string): void {
  const commands = build.job.hooks?.find((hook) => hook.name === name)?.script ?? [];
  if (commands.length > 0 && usesGit(build)) writeCommands(script, build, prefix, commands);
}

function writeStrategy(script: ShellWriter, build: Build): void {
  switch (build.gitStrategy) {
    case 'none':
      script.notice('Skipping Git repository setup');
      script.makeDirectory(build.projectDir);
      return;
    case 'empty':
      script.notice('Skipping Git repository setup and creating an empty build directory');
      script.removeDirectory(build.projectDir);
      script.makeDirectory(build.projectDir);
      return;
    case 'fetch':
      writeGitCleanup(script, build);
      writeTemplate(script, build);
      writeFetch(script, build);
      return;
    case 'clone':
      writeGitCleanup(script, build);
      writeTemplate(script, build);
      script.removeDirectory(build.projectDir);
      if (!build.flag('FF_USE_GIT_NATIVE_CLONE')) {
        writeFetch(script, build);
        return;
      }
      script.ifGitAtLeast(
        '2.49',
        () => writeClone(script, build),
        () => writeFetch(script, build),
      );
  }
}

function gitOptions(build: Build): string[] {
  const architecture = arch() === 'x64' ? 'amd64' : arch();
  return ['-c', `http.userAgent=gitlab-runner ${build.runner.version} linux/${architecture}`, ...proactive(build)];
}

function proactive(build: Build): string[] {
  return build.flag('FF_USE_GIT_PROACTIVE_AUTH') ? ['-c', `http.${remote(build).host}.proactiveAuth=basic`] : [];
}

function writeFetch(script: ShellWriter, build: Build): void {
  const { depth, refspecs } = build.job.git_info;
  script.notice(depth > 0 ? `Fetching changes with git depth set to ${depth}...` : 'Fetching changes...');
  script.command('git', 'init', build.projectDir, '--template', template(script));
  script.changeDirectory(build.projectDir);
  const url = remote(build).bare;
  script.ifCommand(
    ['git', 'remote', 'add', 'origin', url],
    () => script.notice('Created fresh repository.'),
    () => {
      script.command('git', 'remote', 'set-url', 'origin', url);
      // git init leaves an existing repository's configuration alone, template or not.
      writeInclude(script, posix.join('.git', 'config'), `$${externalConfigVariable}`);
    },
  );
  const fetch = [
    ...['git', ...gitOptions(build), 'fetch', 'origin', '--no-recurse-submodules', ...(refspecs ?? [])],
    ...(depth > 0 ? ['--depth', `${depth}`] : []),
    ...build.flags('GIT_FETCH_EXTRA_FLAGS', ['--prune', '--quiet']),
  ];
  if (depth > 0) {
    script.command(...fetch);
    return;
  }
  script.ifFile(
    posix.join('.git', 'shallow'),
    () => script.command(...fetch, '--unshallow'),
    () => script.command(...fetch),
  );
}

function writeClone(script: ShellWriter, build: Build): void {
  const { depth, ref } = build.job.git_info;
  const withDepth = depth > 0 ? ` with git depth set to ${depth}` : '';
  script.notice(`Cloning repository for ${ref}${withDepth}...`);
  script.command(
    ...['git', ...gitOptions(build), 'clone', '--no-checkout', remote(build).bare, build.projectDir],
    ...['--template', template(script)],
    ...(depth > 0 ? ['--depth', `${depth}`] : []),
    ...(ref.startsWith('refs/') ? ['--revision', ref] : ['--branch', ref]),
    ...build.flags('GIT_CLONE_EXTRA_FLAGS', []),
  );
  script.changeDirectory(build.projectDir);
}

function writeCheckout(script: ShellWriter, build: Build): void {
  const { sha, ref } = build.job.git_info;
  script.notice(`Checking out ${sha.slice(0, 8)} as detached HEAD (ref is ${ref})...`);
  script.command('git', '-c', 'submodule.recurse=false', ...proactive(build), 'checkout', '-f', '-q', sha);
  const clean = build.flags('GIT_CLEAN_FLAGS', ['-ffdx']);
  if (clean.length > 0) script.command('git', 'clean', ...clean);
}
