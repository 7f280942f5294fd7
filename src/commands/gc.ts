import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { type Configuration, loadConfiguration } from '../configuration.ts';
import { BulkheadError, toBulkheadError } from '../errors.ts';
import { requireTrustedFolder } from '../host/trusted-file.ts';
import { forgetUnusedRecords } from '../images/forget-records.ts';
import { ageUnits, parseAge } from '../orphans/age.ts';
import { removeCaches } from '../orphans/caches.ts';
import { removeOrphans } from '../orphans/remove-orphans.ts';
import { oldSlices, removeLoneSlices, type SliceOutcome } from '../orphans/slices.ts';
import { openPodman, waitForPodman } from '../podman/client.ts';
import { labelKeys } from '../sandbox/names.ts';
import type { PeopleCommand, Register } from './command.ts';
import { describeGc, failuresOf, type GcOutcome, gcJson, noteGc } from './gc/report.ts';
import { printNote, printResult } from './print.ts';

interface GcOptions {
  readonly dryRun?: boolean;
  /** Seconds. */
  readonly olderThan?: number;
  /** Seconds. */
  readonly cachesOlderThan?: number;
  readonly json?: boolean;
}

const podmanPatienceMs = 15_000;

export const registerGc: Register = (program, choose) => {
  program
    .command('gc')
    .description(
      'remove what jobs left behind that nobody cleaned up after: their runner is gone, or their deadline passed',
    )
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .option('--older-than <age>', 'only jobs whose youngest object is older than this', age)
    .option('--caches-older-than <age>', 'also caches that no job used for this long; without it caches stay', age)
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `
Ages are numbers with a unit (${ageUnits}). Never touches a job whose runner process lives, or may live: docs/gc.md.

Examples:
  bulkhead gc --dry-run
  bulkhead gc --older-than 10min
  bulkhead gc --caches-older-than 30d

Exit codes: 0 done, or nothing to do; 1 something that should go could not be removed; 2 Podman or the receipts cannot be
used, or the command line is wrong.`,
    )
    .action((options: GcOptions) => choose(options, gc(options)));
};

function age(value: string): number {
  const seconds = parseAge(value);
  if (seconds !== undefined) return seconds;
  throw new InvalidArgumentError(`An age is a number with a unit (${ageUnits}), such as 10min or 30d.`);
}

function gc({ dryRun = false, olderThan = 0, cachesOlderThan }: GcOptions): PeopleCommand {
  return async ({ env, configPath, json }) => {
    const configuration = await loadConfiguration(env, configPath);
    if (!dryRun) await requireReceipts(configuration);
    const outcome = await collect(configuration, dryRun, olderThan, cachesOlderThan);
    const failures = failuresOf(outcome);
    if (json) {
      await printResult(JSON.stringify(gcJson(outcome)));
    } else {
      const lines = describeGc(outcome);
      if (lines.length > 0) await printResult(lines.join('\n'));
      await printNote(noteGc(outcome).join('\n'));
    }
    return failures.length === 0 ? 0 : 1;
  };
}

/** Podman is asked; nothing is removed in a dry run. @throws BulkheadError when Podman cannot be asked. */
export async function collect(
  configuration: Configuration,
  dryRun: boolean,
  olderThan: number,
  cachesOlderThan: number | undefined,
): Promise<GcOutcome> {
  const { socket } = configuration;
  const podman = openPodman(socket);
  await waitForPodman(podman, podmanPatienceMs);
  const failures: BulkheadError[] = [];
  const slices = await oldSlices(socket).catch((error) => {
    failures.push(toBulkheadError(error));
    return [];
  });
  const { jobs, strange } = await removeOrphans(podman, configuration, { dryRun, olderThan });
  const known = new Set([
    ...jobs.flatMap(({ objects }) => objects.map(({ jobKey }) => jobKey)),
    ...strange.map(({ object }) => object.labels[labelKeys.job] ?? ''),
  ]);
  const lone: SliceOutcome[] = await removeLoneSlices(socket, slices, known, dryRun);
  const caches = cachesOlderThan === undefined ? undefined : await removeCaches(podman, cachesOlderThan, dryRun);
  if (!dryRun) {
    await forgetUnusedRecords(podman, configuration.stateFolder).catch((error) =>
      failures.push(toBulkheadError(error)),
    );
  }
  return { dryRun, jobs, strange, slices: lone, caches, failures };
}

/**
 * A removal without a receipt would be a job that never ended. Better known before than after.
 * @throws BulkheadError `receipts-unusable` or `file-unsafe`.
 */
async function requireReceipts({ stateFolder }: Configuration): Promise<void> {
  try {
    const folder = requireTrustedFolder(stateFolder);
    if (folder === undefined) throw new Error('the folder does not exist');
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    throw new BulkheadError(
      'receipts-unusable',
      `no receipt can be written to ${stateFolder}: ${(cause as Error).message}`,
      'Run gc as the user of GitLab Runner, who owns that folder, or with --dry-run.',
      { cause },
    );
  }
}
