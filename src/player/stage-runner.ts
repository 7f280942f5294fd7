import type { StageProcess, StageProcessOptions, StageResult } from './stage-process.ts';
import type { Timings } from './timings.ts';
import type { Trace } from './trace.ts';

/** Waits for a driver process, with its output going to the job log, and ends it when the signal fires. */
export class StageRunner {
  /** Every driver process that ended, in order. */
  readonly results: StageResult[] = [];
  readonly #trace: Trace;
  readonly #timings: Timings;
  readonly #keepOutput: boolean;
  readonly #onProcess: ((stage: string, process: StageProcess) => void) | undefined;
  readonly #onResult: ((result: StageResult) => void | Promise<void>) | undefined;

  constructor(
    trace: Trace,
    timings: Timings,
    options: {
      keepOutput: boolean;
      onProcess?: ((stage: string, process: StageProcess) => void) | undefined;
      onResult?: ((result: StageResult) => void | Promise<void>) | undefined;
    },
  ) {
    this.#trace = trace;
    this.#timings = timings;
    this.#keepOutput = options.keepOutput;
    this.#onProcess = options.onProcess;
    this.#onResult = options.onResult;
  }

  /** `logged` says which streams the job log gets: config's stdout is JSON, cleanup's streams go to the runner's log. */
  async run(
    stage: string,
    start: (options: StageProcessOptions) => Promise<StageProcess>,
    logged: 'both' | 'stderr' | 'none',
    signal?: AbortSignal,
  ): Promise<StageResult> {
    const stdout = logged === 'both' ? this.#trace.stream() : undefined;
    const stderr = logged === 'none' ? undefined : this.#trace.stream();
    const process = await start({
      keepOutput: this.#keepOutput || logged !== 'both',
      ...(stdout && { onStdout: stdout.write }),
      ...(stderr && { onStderr: stderr.write }),
    });
    this.#onProcess?.(stage, process);
    const result = await this.#endOf(process, signal);
    stdout?.end();
    stderr?.end();
    this.results.push(result);
    await this.#onResult?.(result);
    return result;
  }

  async #endOf(process: StageProcess, signal: AbortSignal | undefined): Promise<StageResult> {
    if (!signal) return process.result;
    const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
    const stop = (): void => resolve(undefined);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      const result = await Promise.race([process.result, aborted]);
      return result ?? (await process.terminate(this.#timings.gracefulKillMs, this.#timings.forceKillMs));
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}
