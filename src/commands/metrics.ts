import { basename, dirname, resolve } from 'node:path';
import { loadConfiguration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import { replaceFile } from '../host/replace-file.ts';
import { collectMetrics } from '../metrics/collect.ts';
import { formatMetrics } from '../metrics/exposition.ts';
import type { PeopleCommand, Register } from './command.ts';
import { line, printNote, printResult } from './print.ts';

interface MetricsOptions {
  readonly output?: string;
  readonly json?: boolean;
}

/** node_exporter runs as a user of its own. */
const readableByAll = 0o644;

export const registerMetrics: Register = (program, choose) => {
  program
    .command('metrics')
    .description('count jobs, refusals, stages, durations and guarantees, for Prometheus')
    .option('--output <file>', 'write them there, for the textfile collector of node_exporter; the name ends in .prom')
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `
Run it as the user of GitLab Runner, from a timer. What each metric means, and alerts: docs/metrics.md.

Examples:
  bulkhead metrics
  bulkhead metrics --output /var/lib/prometheus/node-exporter/bulkhead.prom
  bulkhead metrics --json | jq '.metrics[] | select(.name == "bulkhead_refusals_total")'

Each minute, in /etc/cron.d/bulkhead-metrics:
  * * * * * root bulkhead metrics --output /var/lib/prometheus/node-exporter/bulkhead.prom

Or a systemd timer with OnCalendar=minutely, for a service with Type=oneshot and that ExecStart.

Exit codes: 0 done; 1 done, and receipts or stages are missing that were never counted (stderr says which); 2 the count cannot
be kept or the file not written, or the command line is wrong.`,
    )
    .action((options: MetricsOptions) => choose(options, metrics(options)));
};

function metrics({ output }: MetricsOptions): PeopleCommand {
  return async ({ env, configPath, json }) => {
    const { stateFolder } = await loadConfiguration(env, configPath);
    const { metrics, gaps } = await collectMetrics(stateFolder, async (metrics) => {
      if (output !== undefined) await writeFile(resolve(output), formatMetrics(metrics));
    });
    if (json) await printResult(JSON.stringify({ schemaVersion: 1, metrics, gaps }));
    else if (output === undefined) await printResult(formatMetrics(metrics).trimEnd());
    if (gaps.length > 0) await printNote(gaps.map(line).join('\n'));
    return gaps.length === 0 ? 0 : 1;
  };
}

async function writeFile(path: string, content: string): Promise<void> {
  try {
    await replaceFile(dirname(path), basename(path), content, readableByAll);
  } catch (cause) {
    throw new BulkheadError(
      'metrics-unusable',
      `${path} cannot be written: ${(cause as Error).message}`,
      'Make its folder, and let the user of GitLab Runner write there.',
      { cause },
    );
  }
}
