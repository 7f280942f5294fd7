import { join } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { withLock } from '../host/folder-lock.ts';
import { requireTrustedFolder } from '../host/trusted-file.ts';
import { closeSnapshot, snapshotReceipts } from '../receipts/snapshot.ts';
import { version } from '../version.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { countReceipt, forgetOld, type Running } from './count-receipt.ts';
import { countedMetrics, gauge, type Metric } from './exposition.ts';
import { readNewReceipts } from './new-receipts.ts';
import { readNewStages, turnStages } from './new-stages.ts';
import { makeFolder, metricsFolder } from './stage-record.ts';
import { Totals } from './totals.ts';

export interface Collected {
  readonly metrics: readonly Metric[];
  /** What could not be counted, in sentences. */
  readonly gaps: readonly string[];
}

/**
 * Counts what receipts and stages tell since the last time, and keeps the count in the state folder. Any number may be called at
 * once; each record counts once.
 * @param publish is given the result before anybody else counts on, so that what is published never goes back.
 * @throws BulkheadError `metrics-unusable`; `file-unsafe` when others could change what is read.
 */
export async function collectMetrics(
  stateFolder: string,
  publish: (metrics: readonly Metric[]) => Promise<void>,
): Promise<Collected> {
  try {
    const state = requireTrustedFolder(stateFolder);
    if (state === undefined) throw new Error('the folder does not exist');
    const folder = join(state, metricsFolder);
    makeFolder(folder);
    if (requireTrustedFolder(folder) === undefined) throw new Error('the folder does not exist');
    return await withLock(folder, async () => {
      const collected = await countNew(state, folder);
      await publish(collected.metrics);
      return collected;
    });
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError(
      'metrics-unusable',
      `the metrics cannot be kept in ${join(stateFolder, metricsFolder)}: ${(cause as Error).message}`,
      'Run this as the user of GitLab Runner, who owns the state folder; look for a full disk, and for flock (util-linux).',
      { cause },
    );
  }
}

async function countNew(state: string, folder: string): Promise<Collected> {
  const { checkpoint, unusable } = await readCheckpoint(folder);
  const totals = new Totals(checkpoint.totals);
  const running: Running = { jobs: new Map(checkpoint.running), last: checkpoint.last };
  const gaps: string[] = [];
  if (unusable) {
    gaps.push('the checkpoint cannot be read or is of another version: all begins at 0, and counts what is there');
    totals.add('bulkhead_metrics_gaps_total', ['stages']);
  }

  let unknown = 0;
  const snapshot = await snapshotReceipts(state);
  const receipts = await readNewReceipts(snapshot, checkpoint.receipts, (json) => {
    if (!countReceipt(totals, running, json)) unknown++;
  }).finally(() => closeSnapshot(snapshot));
  gaps.push(...receipts.gaps);
  if (unknown > 0) gaps.push(`${unknown} receipts are of a kind that this version does not know`);
  totals.add('bulkhead_metrics_gaps_total', ['receipts'], receipts.gaps.length + (unknown > 0 ? 1 : 0));

  const stages = await readNewStages(folder, checkpoint.stages, ({ stage, outcome, seconds }) =>
    totals.observe('bulkhead_stage_duration_seconds', seconds, [stage, outcome]),
  );
  if (stages.full) {
    gaps.push('the record of stages was full, and the last of them are missing: run this more often');
    totals.add('bulkhead_metrics_gaps_total', ['stages']);
  }

  forgetOld(running, Date.now());
  await writeCheckpoint(folder, {
    schemaVersion: 1,
    ...(receipts.place && { receipts: receipts.place }),
    stages: stages.places,
    totals: totals.save(),
    running: [...running.jobs],
    ...(running.last !== undefined && { last: running.last }),
  });
  await turnStages(folder);
  return { metrics: [...countedMetrics(totals), ...gauges(running)], gaps };
}

function gauges({ jobs, last }: Running): Metric[] {
  return [
    gauge('bulkhead_jobs_running', 'Jobs that were prepared and have not ended, as the receipts tell.', jobs.size),
    ...(last === undefined
      ? []
      : [gauge('bulkhead_last_receipt_timestamp_seconds', 'When the newest receipt was written.', last / 1000)]),
    gauge('bulkhead_build_info', 'The Bulkhead that counted.', 1, { version }),
  ];
}
