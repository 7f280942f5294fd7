import { type ErrorCode, errorCodes } from '../errors.ts';
import { guaranteeNames } from '../guarantees/guarantee.ts';
import { prepareSteps } from '../receipts/account.ts';
import { stageLabels, stageOutcomes } from './stage-record.ts';

/** A metric, by Prometheus' conventions: a name with its unit, and one time series for each row of label values. */
export interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** All there can ever be: what jobs choose never makes a new series. No value has a space. */
  readonly rows: readonly (readonly string[])[];
  /** Upper bounds of a histogram's buckets, in its unit, ascending. */
  readonly bounds: readonly number[];
}

/** What is lost: see docs/metrics.md. */
export const gapKinds = ['receipts', 'stages'] as const;
export type GapKind = (typeof gapKinds)[number];
/** For a code of another version. */
const otherCode = 'other';

const rows = (values: readonly string[]) => values.map((value) => [value]);
const none: Family['rows'] = [[]];
const counter = (help: string, labels: readonly string[] = [], series: Family['rows'] = none): Family => {
  return { type: 'counter', help, labels, rows: series, bounds: [] };
};
const histogram = (
  help: string,
  bounds: readonly number[],
  labels: readonly string[] = [],
  series: Family['rows'] = none,
): Family => {
  return { type: 'histogram', help, labels, rows: series, bounds };
};

const shortSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const longSeconds = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600];

/** All that is counted, in the order in which it is shown. docs/metrics.md explains each; a test holds the two together. */
export const families = {
  bulkhead_jobs_prepared_total: counter('Jobs whose sandboxes stood and were proven.'),
  bulkhead_jobs_total: counter(
    'Ends of jobs: prepares refused, and cleanups done.',
    ['outcome'],
    rows(['refused', 'finished']),
  ),
  bulkhead_refusals_total: counter(
    'Prepares that ended with an error, by its code and who has to act. GitLab Runner tries a system failure three times.',
    ['code', 'blame'],
    [...Object.entries(errorCodes), [otherCode, 'system']],
  ),
  bulkhead_cleanup_failures_total: counter(
    'Cleanups that left something of a job behind, by code.',
    ['code'],
    rows([...Object.keys(errorCodes).filter((code) => code !== 'job-orphaned'), otherCode]),
  ),
  bulkhead_orphans_removed_total: counter('Jobs that nobody cleaned up after, removed by gc or another prepare.'),
  bulkhead_guarantee_unavailable_total: counter(
    'Jobs of which a guarantee could not be given, by guarantee.',
    ['guarantee'],
    rows(guaranteeNames),
  ),
  bulkhead_guarantee_violated_total: counter(
    'Jobs refused because a guarantee was seen not to hold, by guarantee.',
    ['guarantee'],
    rows(guaranteeNames),
  ),
  bulkhead_pulled_bytes_total: counter('Bytes pulled from registries, as far as Podman tells.'),
  bulkhead_metrics_gaps_total: counter(
    'Times that something was gone before it was counted, by what.',
    ['records'],
    rows(gapKinds),
  ),
  bulkhead_prepare_duration_seconds: histogram('From the decision to the receipt, of prepared jobs.', shortSeconds),
  bulkhead_prepare_step_duration_seconds: histogram(
    'Steps of prepare, of prepared jobs.',
    shortSeconds,
    ['step'],
    rows(prepareSteps),
  ),
  bulkhead_stage_duration_seconds: histogram(
    'Stages that ran in a sandbox, by what they are and how they ended.',
    longSeconds,
    ['stage', 'outcome'],
    stageLabels.flatMap((stage) => stageOutcomes.map((outcome) => [stage, outcome])),
  ),
  bulkhead_job_duration_seconds: histogram('From the end of prepare to the end of cleanup or gc.', longSeconds),
  bulkhead_cleanup_duration_seconds: histogram('Removal of a job by cleanup or gc.', shortSeconds),
} as const satisfies Record<string, Family>;

export type FamilyName = keyof typeof families;

/** The row of a code that a receipt names. */
export function codeRow(code: string): { code: string; blame: string } {
  return Object.hasOwn(errorCodes, code)
    ? { code, blame: errorCodes[code as ErrorCode] }
    : { code: otherCode, blame: 'system' };
}
