import { posix } from 'node:path';
import type { Build } from './build.ts';
import {
  writeArchiveCache,
  writeDownloadArtifacts,
  writeRestoreCache,
  writeUploadArtifacts,
} from './cache-and-artifacts.ts';
import { writeClearWorktree, writeGetSources } from './get-sources.ts';
import { writeForgetCredentials, writeGitCleanup } from './git-config.ts';
import { environmentFile, writeCommands, writeExports } from './script-parts.ts';
import { ShellWriter } from './shell-writer.ts';
import { expand } from './variables.ts';

/**
 * The script of one stage as the runner generates it (shells/abstract.go, shells/bash.go), or undefined when the stage
 * has nothing to do. Stages that are no predefined ones are steps: `step_script`, `step_release`, …
 */
export function stageScript(stage: string, build: Build): string | undefined {
  const script = writerFor(build);
  if (!writeStage(stage, script, build)) return undefined;
  return script.finish(build.booleanSetting('CI_DEBUG_TRACE', false));
}

/** The script of a user's step that consists of these commands. */
export function userScript(commands: readonly string[], build: Build): string {
  const script = writerFor(build);
  writeUserCommands(script, build, commands);
  return script.finish(false);
}

function writerFor(build: Build): ShellWriter {
  return new ShellWriter({
    temporaryPath: build.temporaryDir,
    shell: build.shell,
    posixEscapes: build.flag('FF_POSIXLY_CORRECT_ESCAPES'),
    checkForErrors: build.flag('FF_ENABLE_BASH_EXIT_CODE_CHECK'),
    legacyEval: build.flag('FF_USE_LEGACY_BASH_EVAL'),
  });
}

function writeStage(stage: string, script: ShellWriter, build: Build): boolean {
  switch (stage) {
    case 'prepare_script':
      writePrepare(script, build);
      return true;
    case 'get_sources':
      writeGetSources(script, build);
      return true;
    case 'clear_worktree':
      writeClearWorktree(script, build);
      return true;
    case 'restore_cache':
      return writeRestoreCache(script, build);
    case 'download_artifacts':
      return writeDownloadArtifacts(script, build);
    case 'after_script':
      return writeAfterScript(script, build);
    case 'archive_cache':
      return writeArchiveCache(script, build, true);
    case 'archive_cache_on_failure':
      return writeArchiveCache(script, build, false);
    case 'upload_artifacts_on_success':
      return writeUploadArtifacts(script, build, true);
    case 'upload_artifacts_on_failure':
      return writeUploadArtifacts(script, build, false);
    case 'cleanup_file_variables':
      writeCleanup(script, build);
      return true;
    default:
      return writeStep(stage, script, build);
  }
}

function writePrepare(script: ShellWriter, build: Build): void {
  const via = build.hostname ? ` via ${build.hostname}` : '';
  script.line(`echo "Running on $(hostname)${via}..."`);
  script.removeFile(script.temporaryFile(environmentFile));
  script.removeFile(script.temporaryFile('masking.db'));
}

function writeStep(stage: string, script: ShellWriter, build: Build): boolean {
  const step = build.job.steps?.find((candidate) => `step_${candidate.name.toLowerCase()}` === stage);
  if (!step) return false;
  const commands = step.script ?? [];
  // `release:` in the job's YAML becomes a step whose text GitLab has not expanded.
  const expanded = step.name === 'release' ? commands.map((each) => expand(each, build.variables)) : commands;
  writeUserCommands(script, build, expanded);
  return true;
}

function writeUserCommands(script: ShellWriter, build: Build, commands: readonly string[]): void {
  writeExports(script, build);
  script.changeDirectory(build.projectDir);
  writeCommands(script, build, 'script_step', commands);
}

function writeAfterScript(script: ShellWriter, build: Build): boolean {
  const step = build.job.steps?.find((candidate) => candidate.name === 'after_script');
  if (!step?.script?.length) return false;
  writeExports(script, build);
  script.changeDirectory(build.projectDir);
  script.notice('Running after script...');
  writeCommands(script, build, 'after_script_step', step.script);
  return true;
}

function writeCleanup(script: ShellWriter, build: Build): void {
  writeExports(script, build, true);
  writeForgetCredentials(script, build);
  const files = [environmentFile, 'masking.db', '.gitlab-runner.ext.conf', '.glr.gconf'];
  for (const name of files) script.removeFile(script.temporaryFile(name));
  for (const variable of build.variables) {
    if (variable.file) script.removeFile(script.temporaryFile(variable.key));
  }
  if (build.flag('FF_ENABLE_JOB_CLEANUP')) writeJobCleanup(script, build);
  writeGitCleanup(script, build);
  script.removeFile(posix.join(build.rootDir, '.gitlab-build-uid-gid'));
}

function writeJobCleanup(script: ShellWriter, build: Build): void {
  if (build.gitStrategy === 'none') {
    script.notice('Skipping build directory cleanup step');
    return;
  }
  if (build.gitStrategy !== 'fetch') {
    script.removeDirectory(build.projectDir);
    return;
  }
  script.changeDirectory(build.projectDir);
  const clean = build.flags('GIT_CLEAN_FLAGS', ['-ffdx']);
  if (clean.length > 0) script.command('git', 'clean', ...clean);
  script.command('git', 'reset', '--hard');
}
