import { type Family, type FamilyName, families } from './families.ts';
import type { Totals } from './totals.ts';

/** One line of the text: `name{labels} value`. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metric {
  readonly name: string;
  readonly type: Family['type'];
  readonly help: string;
  readonly samples: readonly Sample[];
}

/**
 * All that was counted. Counters are there from the beginning, as 0: what Prometheus first sees as 1 did not increase. Histograms
 * are there once something was observed.
 */
export function countedMetrics(totals: Totals): Metric[] {
  return (Object.entries(families) as [FamilyName, Family][]).map(([name, { type, help, labels, rows, bounds }]) => {
    const samples = rows.flatMap((row) => {
      const own = Object.fromEntries(labels.map((label, index) => [label, row[index] ?? '']));
      if (type !== 'histogram') return [{ name, labels: own, value: totals.value(name, row) }];
      return histogramSamples(name, own, totals.histogram(name, row), bounds);
    });
    return { name, type, help, samples };
  });
}

export function gauge(name: string, help: string, value: number, labels: Sample['labels'] = {}): Metric {
  return { name, type: 'gauge', help, samples: [{ name, labels, value }] };
}

function histogramSamples(
  name: FamilyName,
  labels: Sample['labels'],
  histogram: ReturnType<Totals['histogram']>,
  bounds: readonly number[],
): Sample[] {
  if (histogram === undefined) return [];
  const samples: Sample[] = [];
  let below = 0;
  for (const [index, count] of histogram.counts.entries()) {
    below += count;
    const le = number(bounds[index] ?? Number.POSITIVE_INFINITY);
    samples.push({ name: `${name}_bucket`, labels: { ...labels, le }, value: below });
  }
  samples.push({ name: `${name}_sum`, labels, value: histogram.sum }, { name: `${name}_count`, labels, value: below });
  return samples;
}

/** Prometheus' text exposition format, version 0.0.4, as node_exporter's textfile collector reads it. */
export function formatMetrics(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, type, help, samples }) => [
      `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
      `# TYPE ${name} ${type}`,
      ...samples.map((sample) => `${sample.name}${formatLabels(sample.labels)} ${number(sample.value)}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function formatLabels(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function number(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '+Inf' : String(value);
}
