import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { countedMetrics, formatMetrics, gauge } from '../../../src/metrics/exposition.ts';
import { type Family, families } from '../../../src/metrics/families.ts';
import { Totals, totalsSchema } from '../../../src/metrics/totals.ts';

const textOf = (totals: Totals) => formatMetrics(countedMetrics(totals)).split('\n');
const step = 'bulkhead_prepare_step_duration_seconds';

suite('a histogram', () => {
  test('counts what is at most a bound, and all below it', () => {
    const totals = new Totals();
    for (const seconds of [0, 0.05, 0.051, 300, 300.001]) totals.observe(step, seconds, ['images']);
    const shown = textOf(totals).filter((line) => line.startsWith(`${step}_`));
    const line = (le: string, value: number) => `${step}_bucket{step="images",le="${le}"} ${value}`;
    assert.deepEqual(shown, [
      line('0.05', 2),
      ...['0.1', '0.25', '0.5', '1', '2.5', '5', '10', '30', '60'].map((le) => line(le, 3)),
      line('300', 4),
      line('+Inf', 5),
      `${step}_sum{step="images"} 600.102`,
      `${step}_count{step="images"} 5`,
    ]);
  });

  test('gathers no dust in its sum', () => {
    const totals = new Totals();
    for (let n = 0; n < 10; n++) totals.observe(step, 0.1, ['start']);
    assert.equal(totals.histogram(step, ['start'])?.sum, 1);
  });

  test('that saw nothing is not there', () => {
    assert.ok(!textOf(new Totals()).some((line) => line.includes(step)));
  });
});

suite('counters', () => {
  test('are there from the beginning', () => {
    const lines = textOf(new Totals());
    assert.ok(lines.includes('bulkhead_refusals_total{code="policy-image-refused",blame="job"} 0'));
    assert.ok(lines.includes('bulkhead_orphans_removed_total 0'));
  });

  test('have no series but those of the family', () => {
    assert.throws(() => new Totals().add('bulkhead_jobs_total', ['evil']), /no series/);
    assert.throws(() => new Totals().add('bulkhead_jobs_total'), /no series/);
  });

  test('are what was saved', () => {
    const totals = new Totals();
    totals.add('bulkhead_refusals_total', ['terminated', 'system'], 2);
    totals.observe('bulkhead_job_duration_seconds', 3);
    totals.observe('bulkhead_stage_duration_seconds', 3, ['step', 'job']);
    const saved = totalsSchema.parse(JSON.parse(JSON.stringify(totals.save())));
    assert.deepEqual(new Totals(saved).save(), totals.save());
    assert.equal(new Totals(saved).value('bulkhead_refusals_total', ['terminated', 'system']), 2);
  });

  test('that are saved by another version are let go, and no histogram with other bounds is taken', () => {
    assert.deepEqual(new Totals({ gone_total: { '': 1 }, bulkhead_jobs_total: { lost: 1 } }).save(), {});
    for (const saved of [
      { bulkhead_job_duration_seconds: { '': { counts: [1, 2], sum: 1 } } },
      { bulkhead_job_duration_seconds: { '': 1 } },
      { bulkhead_jobs_prepared_total: { '': { counts: [], sum: 1 } } },
      { bulkhead_jobs_prepared_total: { '': -1 } },
    ]) {
      assert.equal(totalsSchema.safeParse(saved).success, false, JSON.stringify(saved));
    }
  });
});

suite('the text', () => {
  test('escapes what labels and help texts hold', () => {
    const metric = gauge('x', 'back\\slash\nline', 1, { version: 'a"b\\c\nd' });
    assert.equal(
      formatMetrics([metric]),
      '# HELP x back\\\\slash\\nline\n# TYPE x gauge\nx{version="a\\"b\\\\c\\nd"} 1\n',
    );
  });

  test('holds each metric once, described, and nothing but lines of the format', () => {
    const totals = new Totals();
    for (const [name, { type, rows }] of Object.entries(families) as [keyof typeof families, Family][]) {
      if (type === 'histogram') for (const row of rows) totals.observe(name, 1, row);
    }
    const lines = textOf(totals).slice(0, -1);
    const sample = /^[a-z_]+(?:\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})? [0-9.]+$/;
    for (const line of lines.filter((text) => !text.startsWith('# '))) assert.match(line, sample);
    const types = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]);
    assert.deepEqual(types, Object.keys(families));
    assert.equal(new Set(lines).size, lines.length);
    assert.ok(lines.length < 1500, 'so many series a host');
  });
});

test('docs/metrics.md explains each metric, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(bulkhead_\w+)` +\| (\w+) +\| (.*?) +\|/gm)].map(([, name, type, labels]) => {
    return { name, type, labels: [...(labels ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label) };
  });
  const gauges = [
    { name: 'bulkhead_jobs_running', type: 'gauge', labels: [] },
    { name: 'bulkhead_last_receipt_timestamp_seconds', type: 'gauge', labels: [] },
    { name: 'bulkhead_build_info', type: 'gauge', labels: ['version'] },
  ];
  const counted = Object.entries(families).map(([name, { type, labels }]: [string, Family]) => ({
    name,
    type,
    labels,
  }));
  assert.deepEqual(rows, [...counted, ...gauges]);
});
