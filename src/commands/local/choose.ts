import type { PipelineJob } from '../../local/pipeline.ts';
import { count, line } from '../print.ts';

/** Jobs that the pipeline would have, for this project and branch; and of those, what can be run here. */
export function runnable(jobs: readonly PipelineJob[]): PipelineJob[] {
  return jobs.filter(({ when, trigger }) => when !== 'never' && !trigger);
}

/** The job that is meant, or why none is. A job that the rules leave out runs when it is named. */
export function chooseJob(jobs: readonly PipelineJob[], name: string | undefined): PipelineJob | string {
  if (name === undefined) {
    const [only, ...more] = runnable(jobs);
    if (only !== undefined && more.length === 0) return only;
    if (only === undefined) return 'The pipeline has no job for this branch.';
    return `The pipeline has ${count(more.length + 1, 'job')}: name one, as in: bulkhead local ${quoted(only.name)}`;
  }
  const plain = (text: string) => text.replace(/\s+/g, '');
  const job = jobs.find((one) => one.name === name) ?? jobs.find((one) => plain(one.name) === plain(name));
  if (job === undefined) return line(`The pipeline has no job ${quoted(name)}.`);
  if (job.trigger) return line(`The job ${quoted(job.name)} starts another pipeline: it has no script to run.`);
  return job;
}

/** One line for each job. */
export function describeJobs(jobs: readonly PipelineJob[]): string {
  const rows = jobs.map(({ name, stage, when, trigger }) => [
    line(name),
    line(stage),
    trigger ? 'starts another pipeline' : when === 'never' ? 'left out by its rules' : line(when),
  ]);
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map(([a = '', b = '', c = '']) => `${a.padEnd(width(0))}  ${b.padEnd(width(1))}  ${c}`).join('\n');
}

export function jobsJson(jobs: readonly PipelineJob[]): object {
  return { schemaVersion: 1, jobs: jobs.map(({ name, stage, when, needs }) => ({ name, stage, when, needs })) };
}

function quoted(name: string): string {
  return line(`'${name.replaceAll("'", "'\\''")}'`);
}
