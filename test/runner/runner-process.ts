import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { customBlock } from '../../src/runner/custom-block.ts';
import type { GitLab } from './gitlab/server.ts';

export interface RunnerOptions {
  readonly binary: string;
  readonly gitlab: GitLab;
  readonly token: string;
  /** How many jobs at once. */
  readonly concurrent: number;
  /** The driver's configuration file. */
  readonly configuration: string;
  /** A folder of its own, for its configuration, its temporary files and what it leaves to read. */
  readonly folder: string;
  /** Lines for its `[[runners]]` section, such as `output_limit = 1`. */
  readonly settings?: readonly string[];
}

const driver = resolve(import.meta.dirname, '../../bin/bulkhead');
/** Ends a test that would hang. */
const patienceMs = 120_000;

/** A real `gitlab-runner run` with our driver. */
export class RunnerProcess {
  readonly token: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exit: Promise<unknown>;
  #log = '';

  constructor({ binary, gitlab, token, concurrent, configuration, folder, settings = [] }: RunnerOptions) {
    this.token = token;
    this.#folder = folder;
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    writeFileSync(join(folder, 'driver'), countingDriver(join(folder, 'stages')), { mode: 0o755 });
    const config = join(folder, 'config.toml');
    writeFileSync(config, configToml(gitlab, token, concurrent, join(folder, 'driver'), settings), { mode: 0o600 });
    this.#child = spawn(binary, ['run', '--config', config, '--working-directory', folder], {
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        TMPDIR: join(folder, 'tmp'),
        BULKHEAD_CONFIG: configuration,
        HTTP_PROXY: gitlab.proxy,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: folder,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
    this.#exit = once(this.#child, 'exit');
  }

  /** What it wrote to its own log: nobody masks that. */
  get log(): string {
    return this.#log;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The driver's stages so far, in the order of their start. */
  get stages(): string[] {
    try {
      return readFileSync(join(this.#folder, 'stages'), 'utf8').trimEnd().split('\n');
    } catch {
      return [];
    }
  }

  /** What jobs left in the runner's temporary folder; one that was killed could not take it away. */
  get temporaryFiles(): string[] {
    return this.#child.signalCode === 'SIGKILL' ? [] : readdirSync(join(this.#folder, 'tmp'));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. Rejects when there is none. */
  async ended(): Promise<void> {
    const timer = AbortSignal.timeout(patienceMs);
    const late = once(timer, 'abort').then(() =>
      Promise.reject(new Error(`gitlab-runner does not end:\n${this.#log}`)),
    );
    await Promise.race([this.#exit, late]);
  }

  /** SIGQUIT lets it finish its jobs; SIGTERM aborts them; SIGKILL leaves them. */
  async stop(signal: 'SIGQUIT' | 'SIGTERM' | 'SIGKILL' = 'SIGQUIT'): Promise<void> {
    if (this.running) this.signal(signal);
    await this.ended();
  }
}

function configToml(
  gitlab: GitLab,
  token: string,
  concurrent: number,
  driverPath: string,
  settings: readonly string[],
): string {
  return `concurrent = ${concurrent}
check_interval = 1
shutdown_timeout = 90

[[runners]]
  name = "test"
  id = 1
  url = "${gitlab.url}"
  token = "${token}"
  executor = "custom"
  builds_dir = "/builds"
  cache_dir = "/cache"
${settings.map((line) => `  ${line}\n`).join('')}${customBlock(driverPath)}`;
}

/** The driver, and a line for each stage that was started. */
function countingDriver(stages: string): string {
  return `#!/bin/sh\nprintf '%s\\n' "$1\${3:+ $3}" >>'${stages}'\nexec '${driver}' "$@"\n`;
}
