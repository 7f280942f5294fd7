import { setTimeout as sleep } from 'node:timers/promises';
import type { Build } from './build.ts';
import type { Cancellation } from './cancellation.ts';
import type { Executor } from './executor.ts';
import { asError, type FailureReason, JobFailure } from './failure.ts';
import { JobRun } from './job-run.ts';
import { cleanUp, prepareExecutor } from './preparation.ts';
import type { StageResult } from './stage-process.ts';
import type { StageRunner } from './stage-runner.ts';
import { type Timings, timerMs } from './timings.ts';
import type { Trace } from './trace.ts';

export interface JobResult {
  readonly state: 'success' | 'failed' | 'canceled';
  /** undefined after success. */
  readonly reason: FailureReason | undefined;
  /** What GitLab stores as the job's exit code; 0 where there is none. */
  readonly exitCode: number;
  /** The failure in the runner's words. */
  readonly message: string | undefined;
  /** Every driver process, in order, cleanup included; cleanup's output is there and not in the log. */
  readonly stages: readonly StageResult[];
  readonly log: string;
}

interface Parts {
  readonly build: Build;
  readonly newExecutor: () => Executor;
  readonly stages: StageRunner;
  readonly trace: Trace;
  readonly cancellation: Cancellation;
  readonly timings: Timings;
}

/** A whole job from config to cleanup (Run in common/build.go). */
export async function playJob(parts: Parts): Promise<JobResult> {
  const { build, trace, stages, cancellation, timings } = parts;
  trace.mask(build.maskedPhrases);
  printHeader(trace, build);
  const seconds = build.job.runner_info.timeout;
  const timeout = setTimeout(() => cancellation.timeOut(seconds), timings.jobTimeoutMs ?? timerMs(seconds * 1000));
  const failure = await playStages(parts);
  clearTimeout(timeout);
  return { ...conclude(failure, trace), stages: stages.results, log: trace.text };
}

async function playStages(parts: Parts): Promise<Error | undefined> {
  const { build, trace, stages } = parts;
  let executor: Executor;
  try {
    executor = await trace.section('prepare_executor', build.job.features.trace_sections, () => {
      trace.print('\x1b[36;1mPreparing the "custom" executor\x1b[0;m');
      return prepareExecutor(parts);
    });
  } catch (error) {
    return asError(error);
  }
  // Whatever happens in there, what was prepared is cleaned up.
  const playing = new JobRun({ ...parts, executor }).play().catch(asError);
  const failure = await untilEnded(playing, parts);
  await cleanUp(executor, stages, trace);
  return failure;
}

/** After an abort the runner gives the stages some minutes to end, and then cleans up beside them. */
async function untilEnded(
  playing: Promise<Error | undefined>,
  { cancellation, timings }: Parts,
): Promise<Error | undefined> {
  const signal = cancellation.job;
  const aborted = Promise.withResolvers<undefined>();
  signal.addEventListener('abort', () => aborted.resolve(undefined));
  const finished = await Promise.race([playing.then((failure) => ({ failure })), aborted.promise]);
  if (finished) return signal.aborted ? signal.reason : finished.failure;
  await Promise.race([playing, sleep(timings.buildFinishMs, undefined, { ref: false })]);
  return signal.reason;
}

function printHeader(trace: Trace, build: Build): void {
  const { name, version, revision, systemId } = build.runner;
  trace.print(`Running with gitlab-runner ${version} (${revision})`);
  trace.print(`  on ${name} ${build.shortToken}, system ID: ${systemId}`);
}

function conclude(
  failure: Error | undefined,
  trace: Trace,
): Pick<JobResult, 'state' | 'reason' | 'exitCode' | 'message'> {
  if (!failure) {
    trace.info('Job succeeded');
    return { state: 'success', reason: undefined, exitCode: 0, message: undefined };
  }
  const { message } = failure;
  if (!(failure instanceof JobFailure)) {
    trace.error(`Job failed (system failure): ${message}`);
    return { state: 'failed', reason: 'runner_system_failure', exitCode: 0, message };
  }
  trace.error(`Job failed: ${message}`);
  const state = failure.reason === 'job_canceled' ? 'canceled' : 'failed';
  return { state, reason: failure.reason, exitCode: failure.exitCode, message };
}
