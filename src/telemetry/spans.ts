import { createHash, randomBytes } from 'node:crypto';
import type { StageOutcome } from '../metrics/stage-record.ts';
import type { Job } from '../runner/job.ts';
import { version } from '../version.ts';

/** What one driver process did. Times are Unix milliseconds. */
export interface TracedStage {
  /** `config`, `prepare`, `cleanup`, or `run` and what kind of stage it ran. */
  readonly name: string;
  readonly began: number;
  readonly ended: number;
  readonly outcome: StageOutcome;
  /** Of docs/errors.md; undefined when the stage ended with an exit code. */
  readonly code: string | undefined;
  /** Steps that ended, in their order; each began where the one before ended. */
  readonly steps: readonly { readonly name: string; readonly ended: number }[];
}

type Attributes = readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];

const kindInternal = 1;
const statusError = 2;

/**
 * The request of OTLP as JSON. Nothing of it but the id is the job's: no name, no variable, no text of an error.
 * @param env for `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`.
 */
export function traceRequest(job: Pick<Job, 'key' | 'id'>, stage: TracedStage, env: NodeJS.ProcessEnv): object {
  const traceId = traceIdOf(job.key);
  const spanId = newSpanId();
  const own = span(traceId, spanId, stage.name, stage.began, stage.ended, [
    ...attributes({ 'cicd.pipeline.task.run.id': `${job.id}`, 'bulkhead.outcome': stage.outcome }),
    ...(stage.code === undefined ? [] : attributes({ 'error.type': stage.code })),
  ]);
  const status = stage.outcome === 'success' ? {} : { status: { code: statusError } };
  const steps = stage.steps.map(({ name, ended }, index) => {
    const began = stage.steps[index - 1]?.ended ?? stage.began;
    return { ...span(traceId, newSpanId(), name, began, ended, []), parentSpanId: spanId };
  });
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes(resourceOf(env)) },
        scopeSpans: [{ scope: { name: 'bulkhead', version }, spans: [{ ...own, ...status }, ...steps] }],
      },
    ],
  };
}

/** The same in each process of a job, which share nothing else. */
export function traceIdOf(jobKey: string): string {
  return createHash('sha256').update(`bulkhead trace ${jobKey}`).digest('hex').slice(0, 32);
}

/** `name=value,…`, percent-encoded, as in OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS. What cannot be read is left out. */
export function readPairs(text: string | undefined): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const pair of (text ?? '').split(',')) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) continue;
    try {
      pairs[name] = decodeURIComponent(value);
    } catch {
      // Not percent-encoded.
    }
  }
  return pairs;
}

function resourceOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const given = readPairs(env['OTEL_RESOURCE_ATTRIBUTES']);
  const name = env['OTEL_SERVICE_NAME'] || given['service.name'] || 'bulkhead';
  return { 'service.version': version, ...given, 'service.name': name };
}

function attributes(values: Record<string, string>): Attributes {
  return Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

function span(traceId: string, spanId: string, name: string, began: number, ended: number, own: Attributes) {
  const [startTimeUnixNano, endTimeUnixNano] = [nanoseconds(began), nanoseconds(ended)];
  return { traceId, spanId, name, kind: kindInternal, startTimeUnixNano, endTimeUnixNano, attributes: own };
}

function newSpanId(): string {
  return randomBytes(8).toString('hex');
}

/** Beyond what a JSON number holds, so text, as OTLP has it. */
function nanoseconds(milliseconds: number): string {
  return `${BigInt(Math.round(milliseconds)) * 1_000_000n}`;
}
