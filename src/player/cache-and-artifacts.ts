import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Build } from './build.ts';
import type { Artifact, Cache } from './job-response.ts';
import { writeExports, writeOwnership, writeWithRunner } from './script-parts.ts';
import type { ShellWriter } from './shell-writer.ts';
import { expand } from './variables.ts';

/** Each writer returns false when the stage has nothing to do; the runner then does not run it at all. */

export function writeRestoreCache(script: ShellWriter, build: Build): boolean {
  const caches = withPaths(build.job.cache);
  if (caches.length === 0) return false;
  enterProject(script, build);
  for (const cache of caches) {
    const keys = [cacheKey(build, cache.key), ...(cache.fallback_keys ?? []).map((key) => cacheKey(build, key))];
    if (cache.policy === 'push') {
      script.notice(`Not downloading cache ${keys[0]} due to policy`);
      continue;
    }
    writeWithRunner(script, 'Extracting cache', () => writeExtract(script, build, cache, keys));
  }
  writeOwnership(script, build, build.cacheDir, build.rootDir);
  return true;
}

function writeExtract(script: ShellWriter, build: Build, cache: Cache, keys: readonly string[]): void {
  const [key, ...fallbacks] = keys;
  if (key === undefined) return;
  script.notice(`Checking cache for ${key}...`);
  script.ifCommandShown(
    ['gitlab-runner', 'cache-extractor', '--file', archive(build, key), '--timeout', cacheTimeout(build)],
    () => script.notice('Successfully extracted cache'),
    () => {
      script.warning('Failed to extract cache');
      for (const path of build.flag('FF_CLEAN_UP_FAILED_CACHE_EXTRACT') ? (cache.paths ?? []) : []) {
        script.print(`Removing ${path}`);
        script.removeDirectory(path);
      }
      writeExtract(script, build, cache, fallbacks);
    },
  );
}

export function writeArchiveCache(script: ShellWriter, build: Build, onSuccess: boolean): boolean {
  const caches = withPaths(build.job.cache).filter((cache) => wanted(cache.when, onSuccess));
  if (caches.length === 0) return false;
  enterProject(script, build);
  for (const cache of caches) {
    const key = cacheKey(build, cache.key);
    if (cache.policy === 'pull') {
      script.notice(`Not uploading cache ${key} due to policy`);
      continue;
    }
    writeWithRunner(script, 'Creating cache', () => {
      script.notice(`Creating cache ${key}...`);
      const environment = script.temporaryFile('gitlab_runner_cache_env');
      const metadata = JSON.stringify({ cachekey: key }).replace(/[\\"]/g, '\\$&');
      script.line(`cat << EOF > ${environment}\nCACHE_METADATA="${metadata}"\nEOF\n`);
      script.ifCommandShown(
        [
          ...['gitlab-runner', 'cache-archiver', '--file', archive(build, key)],
          ...['--alternate-file', archive(build, createHash('sha256').update(key).digest('hex'))],
          ...['--timeout', cacheTimeout(build), ...pathArguments(cache), '--env-file', environment],
        ],
        () => script.notice('Created cache'),
        () => script.warning('Failed to create cache'),
      );
      script.removeFile(environment);
    });
  }
  return true;
}

export function writeDownloadArtifacts(script: ShellWriter, build: Build): boolean {
  const dependencies = (build.job.dependencies ?? []).filter((each) => each.artifacts_file.filename !== '');
  if (dependencies.length === 0) return false;
  enterProject(script, build);
  writeWithRunner(script, 'Artifacts downloading', () => {
    for (const { name, id, token } of dependencies) {
      script.notice(`Downloading artifacts for ${name} (${id})...`);
      script.command(
        ...['gitlab-runner', 'artifacts-downloader'],
        ...['--url', build.runner.url, '--token', token, '--id', `${id}`],
      );
    }
  });
  writeOwnership(script, build, build.cacheDir, build.rootDir);
  return true;
}

export function writeUploadArtifacts(script: ShellWriter, build: Build, onSuccess: boolean): boolean {
  const artifacts = withPaths(build.job.artifacts).filter((artifact) => wanted(artifact.when, onSuccess));
  if (artifacts.length === 0) return false;
  enterProject(script, build);
  for (const artifact of artifacts) {
    writeWithRunner(script, 'Uploading artifacts', () => {
      script.notice('Uploading artifacts...');
      script.command('gitlab-runner', 'artifacts-uploader', ...uploadArguments(build, artifact));
    });
  }
  return true;
}

function uploadArguments(build: Build, artifact: Artifact): string[] {
  const optional = (name: string, value: string): string[] => (value ? [name, value] : []);
  return [
    ...['--url', build.runner.url, '--token', build.job.token, '--id', `${build.job.id}`],
    ...['--timeout', '1h0m0s', '--response-header-timeout', '10m0s'],
    ...pathArguments(artifact),
    ...(artifact.exclude ?? []).flatMap((path) => ['--exclude', path]),
    ...optional('--name', artifact.name),
    ...optional('--expire-in', artifact.expire_in),
    ...optional('--artifact-format', artifact.artifact_format),
    ...optional('--artifact-type', artifact.artifact_type),
  ];
}

function enterProject(script: ShellWriter, build: Build): void {
  writeExports(script, build);
  script.changeDirectory(build.projectDir);
}

function withPaths<T extends Cache | Artifact>(list: readonly T[] | null): T[] {
  return (list ?? []).filter((each) => pathArguments(each).length > 0);
}

function pathArguments({ paths, untracked }: Cache | Artifact): string[] {
  return [...(paths ?? []).flatMap((path) => ['--path', path]), ...(untracked ? ['--untracked'] : [])];
}

function wanted(when: Cache['when'], onSuccess: boolean): boolean {
  return when === 'always' || (onSuccess ? when === '' || when === 'on_success' : when === 'on_failure');
}

function cacheKey(build: Build, key: string): string {
  return key ? expand(key, build.variables) : `${build.job.job_info.name}/${build.job.git_info.ref}`;
}

/** The archive's path relative to the project, as the runner writes it. */
function archive(build: Build, key: string): string {
  return posix.relative(build.projectDir, posix.join(build.cacheDir, key, 'cache.zip'));
}

function cacheTimeout(build: Build): string {
  return build.setting('CACHE_REQUEST_TIMEOUT') || '10';
}
