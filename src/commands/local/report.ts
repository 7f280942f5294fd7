import type { LocalResult } from '../../local/play-local.ts';
import { count, line } from '../print.ts';

const shownNames = 20;

/** The script's own exit code when it failed; 130 after a cancel, as shells say it; 1 refused or out of time; 2 anything else. */
export function exitCodeOf({ job, artifactsError }: LocalResult): number {
  if (job.state === 'canceled') return 130;
  if (job.state === 'success') return artifactsError === undefined ? 0 : 1;
  if (job.reason === 'script_failure') return job.exitCode > 0 && job.exitCode < 256 ? job.exitCode : 1;
  return job.reason === 'job_execution_timeout' ? 1 : 2;
}

/** The end of a run, in words. */
export function describeResult(name: string, result: LocalResult, folder: string, seconds: number): string[] {
  const { job, artifacts, artifactsError } = result;
  const why = job.state === 'failed' && job.message !== undefined ? ` (${job.message})` : '';
  const { written = [], refused = [] } = artifacts ?? {};
  return [
    line(`${name}: ${job.state}${why}, exit code ${exitCodeOf(result)}, ${seconds.toFixed(1)} s`),
    ...(artifactsError === undefined ? [] : [line(artifactsError.message)]),
    ...(artifacts === undefined ? [] : [artifactsLine(written.length, folder)]),
    ...first(
      written.map((file) => `  ${file}`),
      '  and',
    ),
    ...first(
      refused.map(({ name: file, why: reason }) => `left out: ${file}: ${reason}`),
      'left out:',
    ),
  ];
}

/** The first lines, and how many more there are. */
function first(lines: readonly string[], begin: string): string[] {
  const more = lines.length - shownNames;
  return [...lines.slice(0, shownNames).map(line), ...(more > 0 ? [`${begin} ${more} more`] : [])];
}

function artifactsLine(written: number, folder: string): string {
  if (written === 0) return 'artifacts: WARNING: no file matches';
  return line(`artifacts: ${count(written, 'file')} in ${folder}`);
}

/** The stable shape that docs/local.md describes. */
export function resultJson(name: string, result: LocalResult, folder: string, seconds: number): object {
  const { job, artifacts, artifactsError } = result;
  return {
    schemaVersion: 1,
    job: name,
    state: job.state,
    reason: job.reason ?? null,
    message: job.message ?? null,
    exitCode: exitCodeOf(result),
    seconds,
    artifacts: artifacts && { folder, files: artifacts.written, refused: artifacts.refused, bytes: artifacts.bytes },
    ...(artifactsError && { artifactsError: artifactsError.message }),
  };
}
