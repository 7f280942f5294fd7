/** How GitLab Runner counted the job, by the last line of a log that is all there: after it, no job can write any more. */
export type Verdict = 'succeeded' | 'script' | 'system' | 'timeout' | 'canceled';

/** undefined when the line is no last word of GitLab Runner's (setTraceStatus in common/build.go). */
export function verdictOf(text: string): Verdict | undefined {
  if (text === 'Job succeeded') return 'succeeded';
  if (text.startsWith('ERROR: Job failed (system failure): ')) return 'system';
  const why = /^ERROR: Job failed: (.*)$/.exec(text)?.[1];
  if (why === undefined) return undefined;
  if (why === 'canceled') return 'canceled';
  if (/^(?:execution took longer than|prepare timeout|get sources timeout)/.test(why)) return 'timeout';
  // What ends GitLab Runner, or what it is configured with, is not the job's fault, though it says so in the same words.
  if (/^(?:aborted: |custom executor )/.test(why)) return 'system';
  return 'script';
}
