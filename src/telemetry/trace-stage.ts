import { toBulkheadError } from '../errors.ts';
import { outcomeOf, type StageOutcome, stageLabel } from '../metrics/stage-record.ts';
import { readJob } from '../runner/job.ts';
import type { StageContext } from '../stages/context.ts';
import { exportTrace } from './export.ts';
import type { TelemetrySettings } from './settings.ts';
import { traceRequest } from './spans.ts';

/**
 * Runs a stage, and sends what it was to the collector as a span, with its steps below it.
 * @param argv of the driver, for its name; what jobs call their stages is left out.
 */
export async function traceStage(
  { endpoint }: TelemetrySettings,
  context: StageContext,
  argv: { readonly command: string; readonly stage?: string },
  work: (context: StageContext) => Promise<number>,
): Promise<number> {
  const steps: { name: string; ended: number }[] = [];
  const onStep = (name: string) => {
    steps.push({ name, ended: Date.now() });
  };
  const began = Date.now();
  let outcome: StageOutcome = 'system';
  let code: string | undefined;
  try {
    const exitCode = await work({ ...context, onStep });
    outcome = exitCode === context.codes.success ? 'success' : 'job';
    return exitCode;
  } catch (error) {
    outcome = outcomeOf(error);
    ({ code } = toBulkheadError(error));
    throw error;
  } finally {
    const name = argv.stage === undefined ? argv.command : `${argv.command} ${stageLabel(argv.stage)}`;
    const { env } = context;
    // Without the description of a job there is no trace that it could belong to.
    const job = await readJob(env).catch(() => undefined);
    const stage = { name, began, ended: Date.now(), outcome, code, steps };
    if (job !== undefined) await exportTrace(endpoint, traceRequest(job, stage, env), env);
  }
}
