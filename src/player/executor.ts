import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Build } from './build.ts';
import { type DriverConfig, parseDriverConfig } from './driver-config.ts';
import { buildFailureExitCode, failureOf, JobFailure, systemFailureExitCode } from './failure.ts';
import { encodeJob } from './job-response.ts';
import { servicesVariable } from './services-variable.ts';
import { StageProcess, type StageProcessOptions, type StageResult } from './stage-process.ts';

/** One of the four programs of a Custom executor driver: an executable and what precedes the runner's arguments. */
export interface DriverProgram {
  readonly executable: string;
  readonly args: readonly string[];
}

/** [runners.custom] of config.toml. */
export interface DriverPrograms {
  readonly config?: DriverProgram | undefined;
  readonly prepare?: DriverProgram | undefined;
  readonly run: DriverProgram;
  readonly cleanup?: DriverProgram | undefined;
}

/**
 * One attempt at a job with the Custom executor (executors/custom/custom.go): a temporary directory that is the
 * driver's working directory and TMPDIR, the response file in it, and the driver's processes.
 */
export class Executor {
  readonly #build: Build;
  readonly #programs: DriverPrograms;
  readonly #runnerEnv: NodeJS.ProcessEnv;
  #directory: string | undefined;
  /** What config said, once it has been asked. */
  config: DriverConfig = {};

  constructor(build: Build, programs: DriverPrograms, runnerEnv: NodeJS.ProcessEnv) {
    this.#build = build;
    this.#programs = programs;
    this.#runnerEnv = runnerEnv;
  }

  /** The attempt's temporary directory; made, with response.json (0600) in it, when first asked for. */
  async directory(): Promise<string> {
    if (this.#directory === undefined) {
      this.#directory = await mkdtemp(join(tmpdir(), 'custom-executor'));
      await writeFile(this.#responseFile, encodeJob(this.#build.job), { mode: 0o600 });
    }
    return this.#directory;
  }

  get #responseFile(): string {
    return join(this.#directory ?? '', 'response.json');
  }

  get exitCodeFile(): string {
    return join(this.#directory ?? '', 'build_exit_code');
  }

  /** Starts config, prepare or cleanup. Rejects when it cannot be started, or the driver has no such program. */
  async start(stage: 'config' | 'prepare' | 'cleanup', options?: StageProcessOptions): Promise<StageProcess> {
    const program = this.#programs[stage];
    if (!program) throw new Error(`the driver has no ${stage} program`);
    return this.#spawn(stage, program, [], options);
  }

  has(stage: 'config' | 'prepare' | 'cleanup'): boolean {
    return this.#programs[stage] !== undefined;
  }

  /** Starts `run` for one stage script, stored 0700 in a directory of its own. step_script is renamed to build_script. */
  async startRun(stage: string, script: string | Buffer, options?: StageProcessOptions): Promise<StageProcess> {
    const path = join(await mkdtemp(join(await this.directory(), 'script')), 'script');
    await writeFile(path, script, { mode: 0o700 });
    const name = stage === 'step_script' ? 'build_script' : stage;
    return this.#spawn(name, this.#programs.run, [path, name], options);
  }

  /** Takes over what config printed. Throws when config failed or printed anything but one JSON object. */
  applyConfig(result: StageResult): void {
    const failure = failureOf(result);
    if (failure) throw failure;
    this.config = parseDriverConfig(result.stdout);
    this.#build.hostname = this.config.hostname ?? this.#build.hostname;
    this.#build.shell = this.config.shell ?? this.#build.shell;
  }

  /** Fixes the job's directories. Throws a JobFailure when config named none: retrying would not help. */
  startBuild(): void {
    const { builds_dir: builds, cache_dir: cache, builds_dir_is_shared: shared } = this.config;
    try {
      this.#build.start(builds ?? '', cache ?? '', shared ?? false);
    } catch (error) {
      throw new JobFailure('runner_configuration_error', error instanceof Error ? error.message : String(error));
    }
  }

  /** Deletes the temporary directory, as the runner does after cleanup. Callable at any time. */
  discard(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = undefined;
  }

  async #spawn(
    stage: string,
    program: DriverProgram,
    args: readonly string[],
    options?: StageProcessOptions,
  ): Promise<StageProcess> {
    const cwd = await this.directory();
    const command = {
      stage,
      executable: program.executable,
      args: [...program.args, ...args],
      cwd,
      env: this.#environment(cwd),
      exitCodeFile: this.exitCodeFile,
    };
    return StageProcess.start(command, options);
  }

  /** In the runner's order: its own, the five it promises, config's job_env, and the job's variables. Later ones win. */
  #environment(directory: string): NodeJS.ProcessEnv {
    const variables = [...this.#build.variables, servicesVariable(this.#build)];
    return {
      ...this.#runnerEnv,
      TMPDIR: directory,
      BUILD_FAILURE_EXIT_CODE: `${buildFailureExitCode}`,
      SYSTEM_FAILURE_EXIT_CODE: `${systemFailureExitCode}`,
      BUILD_EXIT_CODE_FILE: this.exitCodeFile,
      JOB_RESPONSE_FILE: this.#responseFile,
      ...this.config.job_env,
      ...Object.fromEntries(variables.map(({ key, value }) => [`CUSTOM_ENV_${key}`, value])),
    };
  }
}
