import { setTimeout as sleep } from 'node:timers/promises';
import type { Build } from './build.ts';
import type { Cancellation } from './cancellation.ts';
import type { Executor } from './executor.ts';
import { asError, failureOf, JobFailure } from './failure.ts';
import { stageScript } from './script.ts';
import { describeStage } from './stage-names.ts';
import type { StageRunner } from './stage-runner.ts';
import { parseDuration, type Timings } from './timings.ts';
import type { Trace } from './trace.ts';

const boldCyan = '\x1b[36;1m';
const plain = '\x1b[0;m';
const afterScriptTimeoutMs = 5 * 60_000;

/** The stages of a prepared job, in the runner's order (executeScript in common/build.go). Failures are values here. */
export class JobRun {
  readonly #build: Build;
  readonly #executor: Executor;
  readonly #stages: StageRunner;
  readonly #trace: Trace;
  readonly #cancellation: Cancellation;
  readonly #timings: Timings;

  constructor(parts: {
    build: Build;
    executor: Executor;
    stages: StageRunner;
    trace: Trace;
    cancellation: Cancellation;
    timings: Timings;
  }) {
    this.#build = parts.build;
    this.#executor = parts.executor;
    this.#stages = parts.stages;
    this.#trace = parts.trace;
    this.#cancellation = parts.cancellation;
    this.#timings = parts.timings;
  }

  async play(): Promise<Error | undefined> {
    const unprepared = await this.#stage('prepare_script');
    if (unprepared) return aboutEnvironment(unprepared);

    let failure =
      (await this.#attempts('get_sources', 'GET_SOURCES_ATTEMPTS', 'clear_worktree')) ??
      (await this.#attempts('restore_cache', 'RESTORE_CACHE_ATTEMPTS')) ??
      (await this.#attempts('download_artifacts', 'ARTIFACT_DOWNLOAD_ATTEMPTS')) ??
      (await this.#userScripts());

    const archived = await this.#stage(failure ? 'archive_cache_on_failure' : 'archive_cache');
    const uploaded = await this.#stage(failure ? 'upload_artifacts_on_failure' : 'upload_artifacts_on_success');
    failure ??= archived ?? uploaded;
    // The runner only notes a failure of this stage in its own log.
    await this.#stage('cleanup_file_variables');
    return failure;
  }

  async #userScripts(): Promise<Error | undefined> {
    this.#cancellation.enterScript();
    const timeout = parseDuration(this.#build.setting('RUNNER_SCRIPT_TIMEOUT'));
    const timer = timeout && setTimeout(() => this.#cancellation.timeOutScript(this.#jobTimeoutSeconds), timeout);
    let failure: Error | undefined;
    for (const step of this.#build.job.steps ?? []) {
      if (step.name === 'after_script') continue;
      failure = await this.#stage(`step_${step.name.toLowerCase()}`, this.#cancellation.script);
      if (failure) break;
    }
    clearTimeout(timer || undefined);
    if (this.#cancellation.scriptOnly) {
      failure = this.#cancellation.script.reason;
      if (failure instanceof JobFailure && failure.reason === 'job_canceled') {
        this.#trace.warning('script canceled externally (UI, API)');
      }
    }
    return this.#afterScript(failure);
  }

  async #afterScript(failure: Error | undefined): Promise<Error | undefined> {
    this.#build.status = jobStatus(failure);
    const timeout = parseDuration(this.#build.setting('RUNNER_AFTER_SCRIPT_TIMEOUT')) ?? afterScriptTimeoutMs;
    const signal = AbortSignal.any([this.#cancellation.job, AbortSignal.timeout(timeout)]);
    const ownFailure = await this.#stage('after_script', signal);
    if (!ownFailure || this.#cancellation.job.aborted) return failure;
    if (!this.#build.booleanSetting('AFTER_SCRIPT_IGNORE_ERRORS', true)) return failure ?? ownFailure;
    this.#trace.warning(`after_script failed, but job will continue unaffected: ${ownFailure.message}`);
    return failure;
  }

  async #attempts(stage: string, setting: string, between?: string): Promise<Error | undefined> {
    const attempts = this.#build.attempts(setting);
    for (let attempt = 0; ; attempt++) {
      const cleared = attempt === 1 && between ? await this.#stage(between) : undefined;
      const failure = cleared ?? (await this.#stage(stage));
      if (!failure || attempt + 1 >= attempts) return failure;
      this.#trace.warning('Retrying...');
      await sleep(this.#timings.stageRetryMs * Math.min(5, 2 ** attempt));
    }
  }

  /** Runs one stage, unless it has nothing to do or the job has been ended. */
  async #stage(stage: string, signal = this.#cancellation.job): Promise<Error | undefined> {
    if (signal.aborted) return signal.reason;
    try {
      const script = stageScript(stage, this.#build);
      if (script === undefined) return undefined;
      const shown = this.#build.job.features.trace_sections;
      return await this.#trace.section(stage, shown, () => this.#runScript(stage, script, signal));
    } catch (error) {
      return asError(error);
    }
  }

  async #runScript(stage: string, script: string, signal: AbortSignal): Promise<Error | undefined> {
    this.#trace.print(`${boldCyan}${describeStage(stage)}${plain}`);
    if (stage === 'step_script') {
      this.#trace.warning(
        "Starting with version 17.0 the 'build_script' stage will be replaced with 'step_script': " +
          'https://gitlab.com/groups/gitlab-org/-/epics/6112',
      );
    }
    const start = this.#executor.startRun.bind(this.#executor, stage, script);
    return failureOf(await this.#stages.run(stage, start, 'both', signal));
  }

  get #jobTimeoutSeconds(): number {
    return this.#build.job.runner_info.timeout;
  }
}

function jobStatus(failure: Error | undefined): string {
  if (!failure) return 'success';
  if (!(failure instanceof JobFailure)) return 'failed';
  if (failure.reason === 'job_canceled') return 'canceled';
  return failure.reason === 'job_execution_timeout' ? 'timedout' : 'failed';
}

function aboutEnvironment(failure: Error): Error {
  const message =
    `prepare environment: ${failure.message}. ` +
    'Check https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information';
  return failure instanceof JobFailure ? new JobFailure(failure.reason, message, failure.exitCode) : new Error(message);
}
