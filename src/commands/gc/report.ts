import type { BulkheadError } from '../../errors.ts';
import type { CacheOutcome } from '../../orphans/caches.ts';
import type { StrangeObject } from '../../orphans/claim.ts';
import type { ObjectCounts } from '../../orphans/remove-job.ts';
import { countKinds, type JobOutcome, sum } from '../../orphans/remove-orphans.ts';
import type { SliceOutcome } from '../../orphans/slices.ts';
import { formatTime } from '../../orphans/verdict.ts';
import { count, line } from '../print.ts';

/** All that a run of gc came to. */
export interface GcOutcome {
  readonly dryRun: boolean;
  readonly jobs: readonly JobOutcome[];
  readonly strange: readonly StrangeObject[];
  readonly slices: readonly SliceOutcome[];
  /** undefined when caches were not asked for. */
  readonly caches: readonly CacheOutcome[] | undefined;
  /** What could not even be looked at. */
  readonly failures: readonly BulkheadError[];
}

/** What should be gone, and is not. */
export function failuresOf({ jobs, slices, caches = [], failures }: GcOutcome): BulkheadError[] {
  return [...failures, ...[...jobs, ...slices, ...caches].flatMap(({ error }) => error ?? [])];
}

/** One line for each thing that is removed, or should be, with why. */
export function describeGc({ jobs, slices, caches = [] }: GcOutcome): string[] {
  return [
    ...jobs.filter(({ verdict }) => verdict.orphan).map(describeJob),
    ...slices.map(({ name, action }) => line(`slice ${name}: its job has nothing else: ${done(action)}`)),
    ...caches
      .filter(({ action }) => action !== 'kept')
      .map(({ name, action, text }) => line(`cache ${name}: ${text}: ${done(action)}`)),
  ];
}

function describeJob({ objects, verdict, action, removed, inUse }: JobOutcome): string {
  const [first] = objects;
  const what = {
    kept: 'kept',
    alive: 'kept: it came back to life',
    found: `would remove ${kinds(countKinds(objects))}`,
    removed: `removed ${kinds(removed)}`,
    gone: 'somebody else removed it',
    incomplete: `NOT WHOLLY REMOVED: ${sum(removed) === 0 ? 'nothing' : kinds(removed)} of ${kinds(countKinds(objects))}`,
  }[action];
  const used = inUse.length === 0 ? '' : `; kept, since something else uses it: ${inUse.join(', ')}`;
  return line(`job ${first?.jobId} of ${first?.instance} (${first?.jobKey}): ${verdict.text}: ${what}${used}`);
}

function done(action: 'found' | 'removed' | 'gone' | 'kept' | 'incomplete'): string {
  return {
    found: 'would remove it',
    removed: 'removed',
    gone: 'somebody else removed it',
    kept: 'kept',
    incomplete: 'LEFT',
  }[action];
}

function kinds({ container, volume, network }: ObjectCounts): string {
  const parts = [
    [container, 'container'],
    [volume, 'volume'],
    [network, 'network'],
  ] as const;
  return parts
    .filter(([number]) => number > 0)
    .map(([number, kind]) => count(number, kind))
    .join(', ');
}

/** For stderr: what an operator may wonder about, what failed and how to mend it, and the counts. */
export function noteGc(outcome: GcOutcome): string[] {
  const { dryRun, jobs, strange, caches = [] } = outcome;
  const with_ = (...actions: JobOutcome['action'][]) => jobs.filter(({ action }) => actions.includes(action)).length;
  const keptFor = (reason: string) => jobs.filter(({ verdict }) => verdict.reason === reason).length;
  return [
    ...strange.map(({ object, why }) => line(`left alone: ${object.kind} ${object.name}: ${why}`)),
    ...jobs
      .filter(({ verdict }) => verdict.reason === 'runner-unknown')
      .map(({ objects, verdict }) => line(`kept: job ${objects[0]?.jobId} (${objects[0]?.jobKey}): ${verdict.text}`)),
    ...caches.filter(({ action }) => action === 'kept').map(({ name, text }) => line(`kept: cache ${name}: ${text}`)),
    ...failuresOf(outcome).flatMap(({ message, hint, code }) => [line(`${message} (${code})`), line(`  Fix: ${hint}`)]),
    [
      dryRun ? `${count(with_('found'), 'job')} would be removed` : `${count(with_('removed'), 'job')} removed`,
      ...(with_('gone') > 0 ? [`${with_('gone')} removed by somebody else`] : []),
      ...(with_('incomplete') > 0 ? [`${with_('incomplete')} NOT WHOLLY REMOVED`] : []),
      `${keptFor('runner-running') + with_('alive')} running`,
      ...(keptFor('too-young') > 0 ? [`${keptFor('too-young')} too young`] : []),
      ...(keptFor('runner-unknown') > 0 ? [`${keptFor('runner-unknown')} kept, for nobody can tell from here`] : []),
    ].join(', '),
  ];
}

/** The stable shape that docs/gc.md describes. */
export function gcJson({ dryRun, jobs, strange, slices, caches, failures }: GcOutcome): object {
  const problem = (error: BulkheadError | undefined) =>
    error && { code: error.code, message: error.message, hint: error.hint };
  const withError = (error: BulkheadError | undefined) => (error === undefined ? {} : { error: problem(error) });
  return {
    schemaVersion: 1,
    dryRun,
    jobs: jobs.map(({ objects, verdict, action, removed, inUse, error }) => ({
      key: objects[0]?.jobKey,
      id: objects[0]?.jobId,
      instance: objects[0]?.instance,
      policy: objects[0]?.policy.name,
      orphan: verdict.orphan,
      reason: verdict.reason,
      why: verdict.text,
      action,
      deadline: formatTime(Math.max(...objects.map(({ deadline }) => deadline))),
      objects: countKinds(objects),
      removed,
      inUse,
      ...withError(error),
    })),
    strange: strange.map(({ object: { kind, name }, why }) => ({ kind, name, why })),
    slices: slices.map(({ name, action, error }) => ({ name, action, ...withError(error) })),
    caches:
      caches?.map(({ name, lastUse, action, text, error }) => ({
        name,
        lastUse: lastUse === undefined ? null : formatTime(lastUse),
        action,
        why: text,
        ...withError(error),
      })) ?? null,
    failures: failures.map(problem),
  };
}
