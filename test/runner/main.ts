import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { gitlabRunner, whyNoRunner } from './build.ts';

// Usage: main.ts <test file>…
// Runs test files that need a real GitLab Runner, and says at the end how many jobs and stages it ran. Ends with the exit code
// of the tests; 0, and a word about it, where no runner can be built.

async function main(files: readonly string[]): Promise<number> {
  const reason = await whyNoRunner();
  if (reason !== undefined) {
    console.log(`NOT RUN: the tests with a real GitLab Runner: ${reason}`);
    return 0;
  }
  await gitlabRunner();
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-counts-'));
  const counts = join(folder, 'counts');
  writeFileSync(counts, '');
  try {
    const options = ['--test', '--test-concurrency=1', '--test-timeout=1800000'];
    const { exitCode } = await execa(process.execPath, [...options, ...files], {
      env: { BULKHEAD_RUNNER_COUNTS: counts },
      stdio: ['ignore', 'inherit', 'inherit'],
      reject: false,
    });
    const [jobs, stages] = totals(readFileSync(counts, 'utf8'));
    console.log(`A real GitLab Runner ran ${jobs} jobs in ${stages} calls of the driver.`);
    return exitCode ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Sums up what each file wrote: `<jobs> <stages>`, a line each. */
function totals(text: string): [jobs: number, stages: number] {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const sum = (column: number) => lines.reduce((total, line) => total + (line[column] ?? 0), 0);
  return [sum(0), sum(1)];
}

process.exitCode = await main(process.argv.slice(2));
