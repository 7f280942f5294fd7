import { InvalidArgumentError } from 'commander';
import { loadConfiguration } from '../configuration.ts';
import { isHash } from '../receipts/chain.ts';
import { type Verification, verifyReceipts } from '../receipts/verify.ts';
import { escapeForeign } from '../runner/job-log.ts';
import type { PeopleCommand, Register } from './command.ts';
import { count, printNote, printResult } from './print.ts';

interface VerifyOptions {
  readonly folder?: string;
  readonly head?: string;
  readonly json?: boolean;
}

export const registerReceipts: Register = (program, choose) => {
  const receipts = program.command('receipts').description('what was proven of each job, and whether it still stands');
  receipts
    .command('verify')
    .description('find receipts that were changed, removed, moved, repeated or put in')
    .option('--folder <folder>', 'where they are (default: stateFolder of the configuration)')
    .option('--head <hash>', 'hash of a record, noted earlier: shows that the end was not cut off since', hash)
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  bulkhead receipts verify
  bulkhead receipts verify --json | jq --raw-output .head.hash    # keep it on another machine
  bulkhead receipts verify --folder /mnt/backup/state --head 5f70bf18…

Exit codes: 0 the chain is whole; 1 it is not; 2 the receipts cannot be read, or the command line is wrong.`,
    )
    .action((options: VerifyOptions) => choose(options, verify(options)));
};

function hash(value: string): string {
  if (isHash(value)) return value;
  throw new InvalidArgumentError('A hash has 64 digits, 0 to 9 and a to f.');
}

function verify({ folder, head }: VerifyOptions): PeopleCommand {
  return async ({ env, configPath, json }) => {
    const place = folder ?? (await loadConfiguration(env, configPath)).stateFolder;
    const result = await verifyReceipts(place, head === undefined ? {} : { head });
    const text = json ? JSON.stringify({ schemaVersion: 1, folder: place, ...result }) : describe(result);
    await printResult(text);
    if (!json && head === undefined && result.problems.length === 0) {
      await printNote('Note the head on another machine: only --head shows later that the end was not cut off.');
    }
    return result.problems.length === 0 ? 0 : 1;
  };
}

function describe({ files, records, torn, head, problems }: Verification): string {
  const where = (file: string, line: number) => escapeForeign(line === 0 ? file : `${file}:${line}`);
  return [
    ...problems.map(({ file, line, problem }) => `${where(file, line)}: ${problem}`),
    `${count(records, 'record')} in ${count(files.length, 'file')}, ${problems.length === 0 ? 'whole' : 'NOT WHOLE'}`,
    ...(torn === 0 ? [] : [`${count(torn, 'write')} cut off, and accounted for by a later record`]),
    `head: ${head.sequence} ${head.hash}`,
  ].join('\n');
}
