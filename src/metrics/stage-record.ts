import { closeSync, constants, fstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { toBulkheadError } from '../errors.ts';
import { requireTrustedFile, requireTrustedFolder } from '../host/trusted-file.ts';
import { helperStages } from '../sandbox/stage-target.ts';

/** In the state folder: what `bulkhead metrics` keeps, and what it is told of stages. */
export const metricsFolder = 'metrics';
export const stagesFile = 'stages.jsonl';
/** Some 40,000 stages. `bulkhead metrics` begins a new file long before; where nobody calls it, no more is written. */
export const fullBytes = 4 * 1024 * 1024;

/** What a stage is called in metrics: names are the job's author's to choose, and each would be a time series of its own. */
export const stageLabels = [...helperStages, 'build_script', 'after_script', 'step'] as const;
export type StageLabel = (typeof stageLabels)[number];

/** `job`: the script failed, or its author has to act; `terminated`: canceled or out of time; `system`: anything else. */
export const stageOutcomes = ['success', 'job', 'terminated', 'system'] as const;
export type StageOutcome = (typeof stageOutcomes)[number];

/** One line of the file. */
export interface StageRecord {
  /** Unix time in milliseconds, and with `pid` what tells one line from all others. */
  readonly time: number;
  readonly pid: number;
  readonly stage: StageLabel;
  readonly outcome: StageOutcome;
  readonly seconds: number;
}

/**
 * Runs a stage, and notes in the state folder how it went, for `bulkhead metrics`. The stage does not depend on that: no lock,
 * no fsync, and what goes wrong with it is nobody's failure.
 * @param work gives the stage's exit code.
 */
export async function recordStage(stateFolder: string, stage: string, work: () => Promise<number>): Promise<number> {
  const began = performance.now();
  let outcome: StageOutcome = 'system';
  try {
    const exitCode = await work();
    outcome = exitCode === 0 ? 'success' : 'job';
    return exitCode;
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    const seconds = Math.round(performance.now() - began) / 1000;
    try {
      appendStage(stateFolder, { time: Date.now(), pid: process.pid, stage: stageLabel(stage), outcome, seconds });
    } catch {
      // A job is not to fail, nor to read warnings, for its operator's statistics.
    }
  }
}

export function stageLabel(name: string): StageLabel {
  return stageLabels.find((label) => label === name) ?? 'step';
}

export function outcomeOf(thrown: unknown): StageOutcome {
  const { code, blame } = toBulkheadError(thrown);
  if (code === 'terminated') return 'terminated';
  return blame === 'job' ? 'job' : 'system';
}

/**
 * One write of one short line to a file opened for appending: no other's comes in between.
 * @throws BulkheadError `file-unsafe`; the errors of open(2) and write(2).
 */
export function appendStage(stateFolder: string, record: StageRecord): void {
  const state = requireTrustedFolder(stateFolder);
  if (state === undefined) return;
  const folder = join(state, metricsFolder);
  makeFolder(folder);
  if (requireTrustedFolder(folder) === undefined) return;
  const path = join(folder, stagesFile);
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    const status = fstatSync(descriptor);
    requireTrustedFile(path, { path, status });
    if (status.size < fullBytes) writeSync(descriptor, `${JSON.stringify(record)}\n`);
  } finally {
    closeSync(descriptor);
  }
}

/** @throws the errors of mkdir(2), but that it is there. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
