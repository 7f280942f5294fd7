/** One thing to time. Its own set-up and removal do not count. */
export interface Candidate {
  readonly name: string;
  readonly setUp?: () => Promise<void>;
  readonly run: () => Promise<void>;
  readonly tearDown?: () => Promise<void>;
}

export interface Comparison {
  readonly what: string;
  readonly candidate: string;
  readonly reference: string;
  readonly candidateMs: number;
  readonly referenceMs: number;
  /** Median of the ratios of the pairs: a machine that slows down in mid-run slows both sides of a pair. */
  readonly ratio: number;
  readonly pairs: number;
}

/** Times both in turn, A B A B …, after one uncounted pair. Milliseconds of wall time, medians. */
export async function compare(
  what: string,
  candidate: Candidate,
  reference: Candidate,
  pairs: number,
): Promise<Comparison> {
  const times: { a: number; b: number }[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const a = await once(candidate);
    const b = await once(reference);
    if (pair > 0) times.push({ a, b });
  }
  return {
    what,
    candidate: candidate.name,
    reference: reference.name,
    candidateMs: median(times.map(({ a }) => a)),
    referenceMs: median(times.map(({ b }) => b)),
    ratio: median(times.map(({ a, b }) => a / b)),
    pairs,
  };
}

async function once({ setUp, run, tearDown }: Candidate): Promise<number> {
  await setUp?.();
  const started = performance.now();
  await run();
  const elapsed = performance.now() - started;
  await tearDown?.();
  return elapsed;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper;
}

/** A Markdown table. */
export function table(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ what, candidate, reference, candidateMs, referenceMs, ratio, pairs }) =>
    [
      what,
      `${candidate}: ${candidateMs.toFixed(0)} ms`,
      `${reference}: ${referenceMs.toFixed(0)} ms`,
      ratio.toFixed(2),
      `${pairs}`,
    ].join(' | '),
  );
  const head = ['What', 'Bulkhead (median)', 'Compared with (median)', 'Ratio', 'Pairs'].join(' | ');
  return [`| ${head} |`, '| --- | --- | --- | ---: | ---: |', ...rows.map((row) => `| ${row} |`)].join('\n');
}
