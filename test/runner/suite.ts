import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JobInput, makeJob } from '../../src/player/job.ts';
import type { Job } from '../../src/player/job-response.ts';
import { type Job as DescribedJob, parseJob } from '../../src/runner/job.ts';
import { configurationWith, images, nextJobId } from '../integration/host.ts';
import { gitlabRunner } from './build.ts';
import { GitLab } from './gitlab/server.ts';
import type { FinalUpdate, ServerJob } from './gitlab/server-job.ts';
import { assertNoObjects, assertNothingLeft, removeCaches, soon } from './left-over.ts';
import { RunnerProcess } from './runner-process.ts';

export { images } from '../integration/host.ts';

export interface SuiteOptions {
  readonly concurrent?: number;
  readonly settings?: readonly string[];
  /** The driver's configuration file, where it is not the suite's own. */
  readonly configuration?: string;
}

export type PlayedJob = ServerJob & { readonly final: FinalUpdate };

/** One GitLab server, and a runner that takes its jobs: what a test file shares. */
export class Suite implements AsyncDisposable {
  readonly gitlab: GitLab;
  readonly #binary: string;
  readonly #configuration: AsyncDisposable & { path: string };
  readonly #folder = mkdtempSync(join(tmpdir(), 'bulkhead-runner-'));
  readonly #runners: RunnerProcess[] = [];
  readonly #options: SuiteOptions;
  readonly #described = new Map<number, DescribedJob>();

  private constructor(
    gitlab: GitLab,
    binary: string,
    configuration: AsyncDisposable & { path: string },
    options: SuiteOptions,
  ) {
    this.gitlab = gitlab;
    this.#binary = binary;
    this.#configuration = configuration;
    this.#options = options;
  }

  static async start(options: SuiteOptions = {}): Promise<Suite> {
    const binary = await gitlabRunner();
    const configuration = await configurationWith({ gitlabRunner: binary });
    const suite = new Suite(await GitLab.start(), binary, configuration, options);
    suite.startRunner();
    return suite;
  }

  /** The one that takes jobs for which no other is named. */
  get runner(): RunnerProcess {
    const [runner] = this.#runners;
    if (runner === undefined) throw new Error('no runner was started');
    return runner;
  }

  /** One more, with a queue of its own. */
  startRunner(settings: SuiteOptions = {}): RunnerProcess {
    const { concurrent = 4, ...more } = { ...this.#options, ...settings };
    const token = `glrt-sample-runner-${process.pid}-${this.#runners.length + 1}`;
    this.gitlab.register(token);
    const runner = new RunnerProcess({
      configuration: this.#configuration.path,
      ...more,
      concurrent,
      token,
      binary: this.#binary,
      gitlab: this.gitlab,
      folder: join(this.#folder, `${this.#runners.length}`),
    });
    this.#runners.push(runner);
    return runner;
  }

  /** Gives a job to a runner: the first one, unless `token` names another. `change` has the last word on what the server sends. */
  enqueue(input: JobInput, change: (job: Job) => void = () => {}, token = this.runner.token): ServerJob {
    const id = nextJobId();
    const job = makeJob({
      id,
      token: `glcbt-${id}-sample`,
      image: images.busybox,
      gitlabUrl: this.gitlab.url,
      ...input,
    });
    job.features.failure_reasons = [...failureReasons];
    change(job);
    this.#described.set(id, parseJob(job));
    return this.gitlab.enqueue(token, job);
  }

  /** Gives a job to the runner and waits for its end; nothing of it may be left then. */
  async play(input: JobInput, change?: (job: Job) => void, token?: string): Promise<PlayedJob> {
    return await this.finish(this.enqueue(input, change, token));
  }

  async finish(job: ServerJob): Promise<PlayedJob> {
    await job.finished();
    await this.assertNothingLeft(job);
    return job as PlayedJob;
  }

  async assertNothingLeft(job: ServerJob): Promise<void> {
    await assertNothingLeft(this.describe(job));
  }

  /** For a job that no final update tells the end of. */
  async nothingLeftSoon(job: ServerJob): Promise<void> {
    await soon(() => assertNoObjects(this.describe(job)));
    await this.assertNothingLeft(job);
  }

  describe(job: ServerJob): DescribedJob {
    const described = this.#described.get(job.id);
    if (described === undefined) throw new Error(`job ${job.id} is not of this suite`);
    return described;
  }

  /** Lets the runners finish, then looks at what only shows at the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const runner of this.#runners) {
        await runner.stop();
        assert.deepEqual(runner.temporaryFiles, []);
      }
      assert.deepEqual(this.gitlab.problems, []);
      await removeCaches([...this.#described.values()]);
    } finally {
      for (const runner of this.#runners) if (runner.running) runner.signal('SIGKILL');
      await this.gitlab.close();
      await this.#configuration[Symbol.asyncDispose]();
      this.#count();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  #count(): void {
    const stages = this.#runners.reduce((sum, runner) => sum + runner.stages.length, 0);
    const file = process.env['BULKHEAD_RUNNER_COUNTS'];
    if (file) appendFileSync(file, `${this.gitlab.jobs.size} ${stages}\n`);
    else console.log(`jobs: ${this.gitlab.jobs.size}, stages: ${stages}`);
  }
}

/** Those of GitLab's that the runner knows (common/network.go). */
const failureReasons = [
  'unknown_failure',
  'script_failure',
  'runner_system_failure',
  'job_execution_timeout',
  'image_pull_failure',
  'runner_configuration_error',
  'runner_external_dependency_failure',
  'runner_interrupted',
  'job_canceled',
] as const;
