import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type HostLayout, hostLayout } from '../../../setup/layout.ts';
import { type JobInput, makeJob } from '../../../src/player/job.ts';
import type { Job } from '../../../src/player/job-response.ts';
import { customBlock } from '../../../src/runner/custom-block.ts';
import { configurationWith, images, nextJobId } from '../../integration/host.ts';
import { gitlabRunner } from '../build.ts';
import { GitLab } from '../gitlab/server.ts';
import type { ServerJob } from '../gitlab/server-job.ts';
import { dockerBlock } from './config-block.ts';
import { type ComparisonImages, ensureComparisonImages } from './images.ts';
import { keepNetworkUp, removeWhatIsKept } from './left-behind.ts';

export const executors = ['docker', 'bulkhead'] as const;
export type Executor = (typeof executors)[number];
export type PerExecutor<T> = Readonly<Record<Executor, T>>;

/** Under each executor. With more, the Docker executor loses connections on two cores. */
export const jobsAtOnce = 1;

const driver = resolve(import.meta.dirname, '../../../bin/bulkhead');
const policies = resolve(import.meta.dirname, '../../../policies');

/** One GitLab Runner process with two `[[runners]]`: its Docker executor, and its Custom executor with our driver. */
export class TwoExecutors implements AsyncDisposable {
  readonly gitlab: GitLab;
  readonly images: ComparisonImages;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #configuration: AsyncDisposable & { path: string };
  readonly #layout: HostLayout;
  #log = '';

  private constructor(
    gitlab: GitLab,
    comparisonImages: ComparisonImages,
    binary: string,
    configuration: AsyncDisposable & { path: string },
    layout: HostLayout,
  ) {
    this.gitlab = gitlab;
    this.images = comparisonImages;
    this.#configuration = configuration;
    this.#layout = layout;
    this.#folder = mkdtempSync(join(tmpdir(), 'bulkhead-two-executors-'));
    mkdirSync(join(this.#folder, 'tmp'));
    for (const executor of executors) gitlab.register(token(executor));
    const config = join(this.#folder, 'config.toml');
    writeFileSync(config, this.#configToml(), { mode: 0o600 });
    this.#child = spawn(binary, ['run', '--config', config, '--working-directory', this.#folder], {
      env: {
        PATH: process.env['PATH'],
        HOME: this.#folder,
        TMPDIR: join(this.#folder, 'tmp'),
        BULKHEAD_CONFIG: configuration.path,
        HTTP_PROXY: gitlab.proxy,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.#folder,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
  }

  static async start(layout = hostLayout()): Promise<TwoExecutors> {
    const binary = await gitlabRunner(layout);
    const comparisonImages = await ensureComparisonImages(binary, layout);
    // The policies as they are here, not as set-up last installed them.
    const configuration = await configurationWith({ gitlabRunner: binary, policies });
    await keepNetworkUp(layout, shortTokens.docker, images.busybox);
    return new TwoExecutors(await GitLab.start(), comparisonImages, binary, configuration, layout);
  }

  /** The runner's own log. */
  get log(): string {
    return this.#log;
  }

  /** Gives a job to one of them. Ids and tokens differ each time, as no two jobs of a GitLab share them. */
  enqueue(executor: Executor, input: JobInput): ServerJob {
    return this.gitlab.enqueue(token(executor), this.#describe(input));
  }

  #describe(input: JobInput): Job {
    const id = nextJobId();
    const job = makeJob({
      id,
      token: `glcbt-${id}-sample`,
      image: images.busybox,
      gitlabUrl: this.gitlab.url,
      timeout: 90,
      ...input,
    });
    job.features.failure_reasons = [
      'unknown_failure',
      'script_failure',
      'runner_system_failure',
      'job_execution_timeout',
    ];
    job.features.failure_reasons.push('image_pull_failure', 'runner_configuration_error', 'job_canceled');
    return job;
  }

  #configToml(): string {
    const section = (executor: Executor, name: string, block: string) => `
[[runners]]
  name = "compared"
  id = ${executors.indexOf(executor) + 1}
  limit = ${jobsAtOnce}
  url = "${this.gitlab.url}"
  token = "${token(executor)}"
  executor = "${name}"
${block}`;
    const own = '  builds_dir = "/builds"\n  cache_dir = "/cache"\n';
    return [
      `concurrent = ${2 * jobsAtOnce}\ncheck_interval = 1\nshutdown_timeout = 90\n`,
      section('docker', 'docker', dockerBlock(this.#layout, this.images.dockerHelper)),
      section('bulkhead', 'custom', `${own}${customBlock(driver)}`),
    ].join('');
  }

  /** Lets the runner finish, then removes what its Docker executor keeps for the next job of a project. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGQUIT');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    await this.gitlab.close();
    await removeWhatIsKept(this.#layout, shortTokens.docker, this.gitlab.url);
    await this.#configuration[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Of a token, the runner shows nine characters after the prefix, in names and labels. */
const shortTokens: PerExecutor<string> = { docker: 'DockerSid', bulkhead: 'BulkheadS' };

function token(executor: Executor): string {
  return `glrt-${shortTokens[executor]}ide-${process.pid}-sample`;
}
