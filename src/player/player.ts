import { Build, defaultRunner, type RunnerSettings } from './build.ts';
import { Cancellation } from './cancellation.ts';
import { type DriverPrograms, Executor } from './executor.ts';
import type { Job } from './job-response.ts';
import { type JobResult, playJob } from './play-job.ts';
import { stageScript, userScript } from './script.ts';
import type { StageProcess, StageProcessOptions, StageResult } from './stage-process.ts';
import { StageRunner } from './stage-runner.ts';
import { runnerTimings, type Timings } from './timings.ts';
import { Trace } from './trace.ts';

export interface PlayerOptions {
  readonly job: Job;
  readonly driver: DriverPrograms;
  /** Added to the runner's own environment, such as BULKHEAD_CONFIG. */
  readonly env?: Readonly<Record<string, string>>;
  readonly runner?: Partial<RunnerSettings>;
  readonly timings?: Partial<Timings>;
  /** Bytes of job log that play() collects (default 4 MiB, as the runner). */
  readonly logLimit?: number;
  /** false: play() counts and hashes the stages' output instead of keeping it. */
  readonly keepOutput?: boolean;
  /** The job log of play(), masked, as it comes. */
  readonly onLog?: (chunk: Buffer) => void;
  /** A driver process of play() has started: the place to send it signals. */
  readonly onProcess?: (stage: string, process: StageProcess) => void;
  /** A driver process of play() has ended; play() waits for what this returns before it goes on. */
  readonly onResult?: (result: StageResult) => void | Promise<void>;
}

/** Plays GitLab Runner's Custom executor: either a whole job, or single stages in the same surroundings. */
export class Player {
  readonly build: Build;
  readonly #options: PlayerOptions;
  readonly #timings: Timings;
  readonly #cancellation = new Cancellation();
  readonly #executor: Executor;

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.#timings = { ...runnerTimings, ...options.timings };
    this.build = new Build(options.job, { ...defaultRunner, ...options.runner });
    this.#executor = this.#newExecutor();
  }

  /** Plays the whole job, from config to cleanup. Never rejects for what the driver does. Once per player. */
  async play(): Promise<JobResult> {
    const { logLimit: limit, onLog: onChunk, onProcess, onResult, keepOutput = true } = this.#options;
    const trace = new Trace({ ...(limit !== undefined && { limit }), onChunk });
    return playJob({
      build: this.build,
      newExecutor: () => this.#newExecutor(),
      stages: new StageRunner(trace, this.#timings, { keepOutput, onProcess, onResult }),
      trace,
      cancellation: this.#cancellation,
      timings: this.#timings,
    });
  }

  /** Cancel as by the button in GitLab: during the script it ends only that, at other times the whole job. */
  cancel(): void {
    this.#cancellation.cancel();
  }

  /** Forced cancel: only cleanup still runs. */
  abort(): void {
    this.#cancellation.abort();
  }

  /** Single stages share one temporary directory: this one (BUILD_EXIT_CODE_FILE and the response file are in it). */
  async directory(): Promise<string> {
    return this.#executor.directory();
  }

  /** Starts config, prepare or cleanup and returns at once. */
  async start(stage: 'config' | 'prepare' | 'cleanup', options?: StageProcessOptions): Promise<StageProcess> {
    return this.#executor.start(stage, options);
  }

  /**
   * Runs config, prepare or cleanup to its end. A config that succeeded is taken over: its directories, its shell,
   * its job_env. Nothing is retried, and the temporary directory stays until dispose().
   */
  async stage(stage: 'config' | 'prepare' | 'cleanup', options?: StageProcessOptions): Promise<StageResult> {
    const result = await (await this.start(stage, options)).result;
    if (stage === 'config' && result.exitCode === 0) this.takeConfig(result);
    return result;
  }

  /** Takes over what a config said that start() began. Throws when it failed. */
  takeConfig(result: StageResult): void {
    this.#executor.applyConfig(result);
    this.#executor.startBuild();
  }

  /** Starts `run` with exactly this script and returns at once. */
  async startRun(stage: string, script: string | Buffer, options?: StageProcessOptions): Promise<StageProcess> {
    return this.#executor.startRun(stage, script, options);
  }

  /** Runs one stage to its end: with exactly this script, or with the one the runner generates for the job. */
  async run(
    stage: string,
    script: string | Buffer = this.script(stage),
    options?: StageProcessOptions,
  ): Promise<StageResult> {
    return (await this.startRun(stage, script, options)).result;
  }

  /** The generated script of a stage. Throws for a stage that the runner would skip. */
  script(stage: string): string {
    const script = stageScript(stage === 'build_script' ? 'step_script' : stage, this.build);
    if (script === undefined) throw new Error(`the runner would skip ${stage}: this job has nothing for it to do`);
    return script;
  }

  /** A generated user script around these commands: variables, project directory, each command echoed. */
  userScript(...commands: string[]): string {
    return userScript(commands, this.build);
  }

  /** Deletes the temporary directory of the single stages. */
  dispose(): void {
    this.#executor.discard();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #newExecutor(): Executor {
    const env = { ...runnerEnvironment(), ...this.#options.env };
    return new Executor(this.build, this.#options.driver, env);
  }
}

/** The caller's environment, less what Node's test runner and npm put there for themselves. */
function runnerEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(NODE_|npm_)/.test(key)));
}
