import { JobFailure } from './failure.ts';

/** Ends a job, or only its script, from outside (the contexts of common/build.go). */
export class Cancellation {
  readonly #job = new AbortController();
  readonly #script = new AbortController();
  #inScript = false;

  /** Everything of the job but cleanup hangs on this. */
  get job(): AbortSignal {
    return this.#job.signal;
  }

  /** The user's script hangs on this one, and with it on the job's. */
  get script(): AbortSignal {
    return AbortSignal.any([this.#job.signal, this.#script.signal]);
  }

  /** True when only the script was ended: after_script and the stages after it still run. */
  get scriptOnly(): boolean {
    return this.#script.signal.aborted && !this.#job.signal.aborted;
  }

  /** From now on a cancel ends the script alone. */
  enterScript(): void {
    this.#inScript = true;
  }

  /** Somebody pressed Cancel. */
  cancel(): void {
    const reason = new JobFailure('job_canceled', 'canceled');
    (this.#inScript ? this.#script : this.#job).abort(reason);
  }

  /** A forced cancel: whatever runs is ended, and only cleanup follows. */
  abort(): void {
    this.#job.abort(new JobFailure('job_canceled', 'canceled'));
  }

  /** The job's own timeout has passed. */
  timeOut(seconds: number): void {
    this.#job.abort(new JobFailure('job_execution_timeout', `execution took longer than ${seconds} seconds`));
  }

  /** RUNNER_SCRIPT_TIMEOUT has passed. */
  timeOutScript(seconds: number): void {
    this.#script.abort(new JobFailure('job_execution_timeout', `execution took longer than ${seconds} seconds`));
  }
}
