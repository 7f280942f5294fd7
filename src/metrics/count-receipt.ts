import * as z from 'zod';
import { guaranteeNames } from '../guarantees/guarantee.ts';
import { prepareSteps } from '../receipts/account.ts';
import { codeRow } from './families.ts';
import type { Totals } from './totals.ts';

/** As much of a receipt as is counted. Not strict: an older or newer driver may have written it. */
const receiptSchema = z.object({
  kind: z.enum(['prepared', 'refused', 'finished']),
  time: z.iso.datetime(),
  job: z.object({ key: z.string() }),
  durations: z.record(z.string(), z.number().nonnegative()),
  outcome: z.object({ code: z.string() }).optional(),
  guarantees: z.record(z.string(), z.object({ state: z.string() })).optional(),
  pulledBytes: z.number().nonnegative().optional(),
});
type Receipt = z.infer<typeof receiptSchema>;

/** Jobs at once, on one host: many more than run. Bounds the memory that jobs can take whose end is never written. */
const mostRunning = 10_000;
const forgetAfterMs = 7 * 24 * 3600 * 1000;

/** What is known beside the totals. */
export interface Running {
  /** When each job was prepared that has not ended, by its key, in Unix milliseconds; the oldest first. */
  readonly jobs: Map<string, number>;
  /** Time of the newest receipt, in Unix milliseconds. */
  last: number | undefined;
}

/**
 * Adds what one receipt tells.
 * @param json a line of the receipts, parsed.
 * @returns false when it tells nothing that this version understands.
 */
export function countReceipt(totals: Totals, running: Running, json: unknown): boolean {
  const parsed = receiptSchema.safeParse(json);
  if (!parsed.success) return false;
  const receipt = parsed.data;
  const time = Date.parse(receipt.time);
  running.last = Math.max(running.last ?? 0, time);
  totals.add('bulkhead_pulled_bytes_total', [], receipt.pulledBytes ?? 0);
  countGuarantees(totals, receipt);
  if (receipt.kind === 'prepared') countPrepared(totals, running, receipt, time);
  else if (receipt.kind === 'refused') countRefused(totals, receipt);
  else countFinished(totals, running, receipt, time);
  return true;
}

/** Forgets jobs whose end was never written down: somebody removed them by hand, say. */
export function forgetOld({ jobs }: Running, now: number): void {
  for (const [key, since] of jobs) {
    if (now - since > forgetAfterMs) jobs.delete(key);
  }
}

function countGuarantees(totals: Totals, { guarantees = {} }: Receipt): void {
  for (const name of guaranteeNames) {
    const state = guarantees[name]?.state;
    if (state === 'unavailable') totals.add('bulkhead_guarantee_unavailable_total', [name]);
    if (state === 'violated') totals.add('bulkhead_guarantee_violated_total', [name]);
  }
}

function countPrepared(totals: Totals, { jobs }: Running, { job, durations }: Receipt, time: number): void {
  totals.add('bulkhead_jobs_prepared_total');
  let all = 0;
  for (const step of prepareSteps) {
    const milliseconds = durations[step];
    if (milliseconds === undefined) continue;
    all += milliseconds;
    totals.observe('bulkhead_prepare_step_duration_seconds', milliseconds / 1000, [step]);
  }
  totals.observe('bulkhead_prepare_duration_seconds', all / 1000);
  // A prepare that is tried again counts from its last time.
  jobs.delete(job.key);
  jobs.set(job.key, time);
  const [oldest] = jobs.keys();
  if (jobs.size > mostRunning && oldest !== undefined) jobs.delete(oldest);
}

function countRefused(totals: Totals, { outcome }: Receipt): void {
  const { code, blame } = codeRow(outcome?.code ?? '');
  totals.add('bulkhead_jobs_total', ['refused']);
  totals.add('bulkhead_refusals_total', [code, blame]);
}

function countFinished(totals: Totals, { jobs }: Running, { job, outcome, durations }: Receipt, time: number): void {
  if (outcome !== undefined && outcome.code !== 'job-orphaned') {
    // It will be tried again, by GitLab Runner or by gc.
    totals.add('bulkhead_cleanup_failures_total', [codeRow(outcome.code).code]);
    return;
  }
  if (outcome === undefined) totals.add('bulkhead_jobs_total', ['finished']);
  else totals.add('bulkhead_orphans_removed_total');
  const { remove } = durations;
  if (remove !== undefined) totals.observe('bulkhead_cleanup_duration_seconds', remove / 1000);
  const since = jobs.get(job.key);
  if (since === undefined) return;
  jobs.delete(job.key);
  // The host's clock may have been set back.
  totals.observe('bulkhead_job_duration_seconds', Math.max(time - since, 0) / 1000);
}
