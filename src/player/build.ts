import { arch } from 'node:os';
import { posix } from 'node:path';
import { type FeatureFlag, featureFlags } from './feature-flags.ts';
import type { Job } from './job-response.ts';
import { expand, expandAll, type Variable, valueNamed, variable } from './variables.ts';

/** The runner that plays: what its config.toml and its program would say. */
export interface RunnerSettings {
  readonly name: string;
  readonly token: string;
  readonly systemId: string;
  readonly version: string;
  readonly revision: string;
  /** The GitLab instance as the runner reaches it; credentials are injected for URLs below it. */
  readonly url: string;
  /** Default shell of the generated scripts. */
  readonly shell: string;
  /** Path in the sandbox of a tar file with the sources, in place of a Git repository. GitLab Runner has no such thing. */
  readonly sourceArchive?: string;
}

export const defaultRunner: RunnerSettings = {
  name: 'player',
  token: 'glrt-sampleRunnerToken',
  systemId: 's_0123456789ab',
  version: '19.4.0',
  revision: '0a1b2c3d',
  url: 'http://gitlab.invalid/',
  shell: 'bash',
};

export type GitStrategy = 'fetch' | 'clone' | 'none' | 'empty';

/** One job on its way through the runner: directories, settings, and its variables as they are at this moment (common/build.go). */
export class Build {
  readonly job: Job;
  readonly runner: RunnerSettings;
  /** '' until config has been asked. */
  rootDir = '';
  cacheDir = '';
  projectDir = '';
  hostname = '';
  shell: string;
  status = 'running';

  constructor(job: Job, runner: RunnerSettings) {
    this.job = structuredClone(job);
    this.runner = runner;
    this.shell = runner.shell;
    this.#expandImages();
  }

  /** Fixes the directories inside the sandbox. Throws when config named none. */
  start(buildsDir: string, cacheDir: string, shared: boolean): void {
    if (!buildsDir) throw new Error('the builds_dir is not configured');
    if (!cacheDir) throw new Error('the cache_dir is not configured');
    this.rootDir = buildsDir;
    this.cacheDir = posix.join(cacheDir, this.#projectSubdirectory(false));
    this.projectDir = posix.join(buildsDir, this.#projectSubdirectory(shared));
  }

  /** The part of the runner's token that may be shown. */
  get shortToken(): string {
    return shortToken(this.runner.token);
  }

  get temporaryDir(): string {
    return `${this.projectDir}.tmp`;
  }

  #projectSubdirectory(shared: boolean): string {
    const path = posix.normalize(new URL(this.job.git_info.repo_url).pathname.replace(/\.git$/, ''));
    const directory = shared ? posix.join(this.shortToken, '0', path) : path;
    return this.gitStrategy === 'empty' ? `${directory}-empty` : directory;
  }

  /** All variables in the runner's order; of several with one name, the last counts. */
  get variables(): Variable[] {
    return expandAll(this.#unexpanded());
  }

  #unexpanded(): Variable[] {
    const own = this.job.variables ?? [];
    const known = new Set<string>(Object.keys(featureFlags));
    const { version, revision } = this.runner;
    return [
      ...Object.keys(featureFlags).map((name) => variable(name, `${this.flag(name as FeatureFlag)}`)),
      ...(this.job.image.name ? [variable('CI_JOB_IMAGE', this.job.image.name)] : []),
      variable('CI_RUNNER_SHORT_TOKEN', this.shortToken),
      variable('CI_BUILDS_DIR', this.rootDir),
      variable('CI_PROJECT_DIR', this.projectDir),
      variable('CI_CONCURRENT_ID', '0'),
      variable('CI_CONCURRENT_PROJECT_ID', '0'),
      variable('CI_SERVER', 'yes'),
      variable('CI_JOB_STATUS', this.status),
      variable('CI_JOB_TIMEOUT', `${this.job.runner_info.timeout}`),
      ...own.filter((each) => !known.has(each.key)),
      // The Custom executor declares its environment as shared, whatever the driver does.
      variable('CI_SHARED_ENVIRONMENT', 'true'),
      variable('CI_RUNNER_VERSION', version),
      variable('CI_RUNNER_REVISION', revision),
      variable('CI_RUNNER_EXECUTABLE_ARCH', `linux/${arch() === 'x64' ? 'amd64' : arch()}`),
      variable('RUNNER_TEMP_PROJECT_DIR', this.temporaryDir),
    ];
  }

  flag(name: FeatureFlag): boolean {
    return asBoolean(valueNamed(this.job.variables ?? [], name)) ?? featureFlags[name];
  }

  setting(key: string): string {
    return expand(valueNamed(this.job.variables ?? [], key), this.job.variables ?? []);
  }

  booleanSetting(key: string, fallback: boolean): boolean {
    return asBoolean(this.setting(key)) ?? fallback;
  }

  /** Attempts of a stage, as GET_SOURCES_ATTEMPTS and its kind ask for: 1 to 10. */
  attempts(key: string): number {
    return Math.min(10, Math.max(1, Number.parseInt(this.setting(key), 10) || 1));
  }

  get gitStrategy(): GitStrategy {
    const asked = this.setting('GIT_STRATEGY');
    if (asked === 'clone' || asked === 'none' || asked === 'empty' || asked === 'fetch') return asked;
    return this.job.allow_git_fetch ? 'fetch' : 'clone';
  }

  flags(key: string, fallback: readonly string[]): string[] {
    const asked = this.setting(key);
    if (asked === '') return [...fallback];
    return asked === 'none' ? [] : asked.trim().split(/\s+/);
  }

  /** What GitLab replaces by [MASKED] in the log. */
  get maskedPhrases(): string[] {
    return this.variables.filter((each) => each.masked).map((each) => each.value);
  }

  #expandImages(): void {
    for (const image of [this.job.image, ...(this.job.services ?? [])]) {
      image.name = expand(image.name, this.variables);
      if (image.alias) image.alias = expand(image.alias, this.variables);
    }
  }
}

/** Go's ParseBool, undefined for what it refuses. */
function asBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  return undefined;
}

/** helpers/shorten_token.go */
function shortToken(token: string): string {
  return token.replace(/^gl[a-z]+-/, '').slice(0, 9);
}
