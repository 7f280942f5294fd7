import { join } from 'node:path';
import type { Command } from 'commander';
import { BulkheadError } from '../../errors.ts';
import type { JobFacts } from '../../policy/assignment.ts';
import { readCases } from '../../policy/cases.ts';
import { assignedPolicy, loadPolicy } from '../../policy/load.ts';
import { type CaseResult, type ChoosePolicy, runCases } from '../../policy/run-cases.ts';
import type { Choose, PeopleCommand } from '../command.ts';
import { count, line, printNote, printResult } from '../print.ts';
import { addFolderOptions, type FolderOptions, openFolder, type PolicyFolder } from './folder.ts';

const suffix = '.test.json';

export function registerTest(policy: Command, choose: Choose): void {
  addFolderOptions(
    policy.command('test').description('run the cases beside the policies: sample jobs, and what must come of them'),
  )
    .addHelpText(
      'after',
      `
Cases are in <policy>.test.json (held against that policy) and in assignments.test.json (against the policy that the
assignments give the job).

Examples:
  bulkhead policy test
  bulkhead policy test --policies policies --ignore-owners    # in the CI of the policies' repository

Exit codes: 0 all cases are right; 1 one is not; 2 a file cannot be used, or the command line is wrong.`,
    )
    .action((options: FolderOptions) => choose(options, test(options)));
}

function test(options: FolderOptions): PeopleCommand {
  return async (context) => {
    const folder = await openFolder(options, context);
    const files = (await folder.names()).filter((name) => name.endsWith(suffix));
    if (files.length === 0) {
      const hint = `Put cases beside the policies: baseline${suffix} for baseline.json; see docs/policies.md.`;
      throw new BulkheadError('policy-not-found', `there are no cases (*${suffix}) in ${folder.path}`, hint);
    }
    const results = (await Promise.all(files.map((name) => runFile(folder, name)))).flat();
    const failed = results.filter(({ passed }) => !passed);
    if (context.json) {
      const tests = results.map((result) => ({ ...result, file: join(folder.path, result.file) }));
      await printResult(
        JSON.stringify({ schemaVersion: 1, passed: results.length - failed.length, failed: failed.length, tests }),
      );
    } else {
      if (failed.length > 0) await printResult(failed.map((result) => describe(folder.path, result)).join('\n'));
      const outcome = failed.length === 0 ? 'all as expected' : `${failed.length} NOT as expected`;
      await printNote(`${count(results.length, 'case')} in ${count(files.length, 'file')}: ${outcome}`);
    }
    return failed.length === 0 ? 0 : 1;
  };
}

async function runFile(folder: PolicyFolder, name: string): Promise<CaseResult[]> {
  const cases = await readCases(name, folder.document);
  const subject = name.slice(0, -suffix.length);
  const choose: ChoosePolicy =
    subject === 'assignments'
      ? async (facts: JobFacts) => (await assignedPolicy(folder.path, facts, folder.read)).policy
      : async () => loadPolicy(folder.path, subject, folder.read);
  return runCases(cases, choose);
}

function describe(folder: string, { file, line: at, name, differences, got }: CaseResult): string {
  return [
    line(`${join(folder, file)}:${at}: ${name}`),
    ...differences.map(({ what, expected, got }) => line(`    ${what}: expected ${expected}, got ${got}`)),
    ...(got.reason === undefined ? [] : [line(`    (${got.reason})`)]),
  ].join('\n');
}
