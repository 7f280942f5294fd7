import { setTimeout as sleep } from 'node:timers/promises';
import type { Build } from './build.ts';
import type { Cancellation } from './cancellation.ts';
import type { Executor } from './executor.ts';
import { failureOf, JobFailure } from './failure.ts';
import type { StageRunner } from './stage-runner.ts';
import type { Timings } from './timings.ts';
import type { Trace } from './trace.ts';

const attempts = 3;

/** config and prepare, up to three times (retryCreateExecutor in common/build.go). Throws what ends the job. */
export async function prepareExecutor(parts: {
  build: Build;
  newExecutor: () => Executor;
  stages: StageRunner;
  trace: Trace;
  cancellation: Cancellation;
  timings: Timings;
}): Promise<Executor> {
  const { stages, trace, timings } = parts;
  const signal = parts.cancellation.job;
  let failure: unknown;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const executor = parts.newExecutor();
    try {
      await prepareOnce(executor, stages, trace, signal);
      return executor;
    } catch (error) {
      failure = error;
    }
    await cleanUp(executor, stages, trace);
    // In this order: a driver that answers SIGTERM with exit 1 makes a canceled job a failed one.
    if (failure instanceof JobFailure) throw failure;
    if (signal.aborted) throw signal.reason;
    trace.error(`Preparation failed: ${failure instanceof Error ? failure.message : failure}`);
    trace.info(`Will be retried in ${timings.preparationRetryMs / 1000}s ...`);
    await sleep(timings.preparationRetryMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw signal.reason;
  }
  throw failure;
}

async function prepareOnce(executor: Executor, stages: StageRunner, trace: Trace, signal: AbortSignal): Promise<void> {
  if (executor.has('config')) {
    const result = await stages.run('config', (options) => executor.start('config', options), 'stderr', signal);
    executor.applyConfig(result);
  }
  const { name, version } = executor.config.driver ?? {};
  trace.print(`Using Custom executor${name ? ` with driver ${name}${version ? ` ${version}` : ''}` : ''}...`);
  executor.startBuild();
  if (!executor.has('prepare')) return;
  const failure = failureOf(
    await stages.run('prepare', (options) => executor.start('prepare', options), 'both', signal),
  );
  if (failure) throw failure;
}

/** The driver's cleanup, which nothing interrupts, then the end of the temporary directory. Its failure only warns. */
export async function cleanUp(executor: Executor, stages: StageRunner, trace: Trace): Promise<void> {
  try {
    if (!executor.has('cleanup')) return;
    const failure = failureOf(await stages.run('cleanup', (options) => executor.start('cleanup', options), 'none'));
    if (failure) trace.warning(`Cleanup script failed: ${failure.message}`);
  } catch (error) {
    trace.warning(`Cleanup script failed: ${error instanceof Error ? error.message : error}`);
  } finally {
    executor.discard();
  }
}
