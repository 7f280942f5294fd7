import { join } from 'node:path';
import type { Command } from 'commander';
import { loadConfiguration } from '../../configuration.ts';
import { type CheckResult, checkFolder, fails } from '../../policy/check.ts';
import { type Finding, levels } from '../../policy/finding.ts';
import { loadSeccompProfile, parseSeccompProfile } from '../../sandbox/seccomp-profile.ts';
import type { Choose, CommandContext, PeopleCommand } from '../command.ts';
import { count, line, printNote, printResult } from '../print.ts';
import { addFolderOptions, type FolderOptions, openFolder, type PolicyFolder, readAnyFile } from './folder.ts';

interface CheckOptions extends FolderOptions {
  readonly seccompProfiles?: string;
  readonly strict?: boolean;
  readonly host?: boolean;
}

export function registerCheck(policy: Command, choose: Choose): void {
  addFolderOptions(policy.command('check').description('find mistakes in policies, and what in them is likely one'))
    .option('--seccomp-profiles <folder>', 'folder of the seccomp profiles (default: that of the configuration)')
    .option('--strict', 'fail for warnings, too')
    .option('--host', 'try on this host, in real sandboxes, whether it gives what the policies require')
    .addHelpText(
      'after',
      `
Examples:
  bulkhead policy check
  bulkhead policy check --strict --host                             # on a host, before jobs meet the change
  bulkhead policy check --policies policies --seccomp-profiles seccomp --ignore-owners       # in CI

Exit codes: 0 no error; 1 an error (with --strict: or a warning) was found; 2 there is nothing to check.`,
    )
    .action((options: CheckOptions) => choose(options, check(options)));
}

function check(options: CheckOptions): PeopleCommand {
  return async (context) => {
    const folder = await openFolder(options, context);
    const names = await folder.names();
    const result = await checkFolder({
      names,
      read: (name) => folder.read(join(folder.path, name)),
      requireProfile: profileCheck(options, folder),
    });
    const findings = [...result.findings, ...(options.host ? await checkHost(result, context) : [])];
    const failed = fails(findings, options.strict === true);
    const located = findings.map((finding) => ({ ...finding, file: join(folder.path, finding.file) }));
    if (context.json) {
      const policies = result.policies.map(({ name, hash }) => ({ name, hash }));
      await printResult(JSON.stringify({ schemaVersion: 1, passed: !failed, policies, findings: located }));
    } else {
      if (located.length > 0) await printResult(located.map(describe).join('\n'));
      const counts = levels.map((level) => count(findings.filter((one) => one.level === level).length, level));
      await printNote(`${folder.path}: ${count(result.policies.length, 'policy')}; ${counts.join(', ')}`);
    }
    return failed ? 1 : 0;
  };
}

/** Undefined when nobody says where the profiles are. */
function profileCheck(
  options: CheckOptions,
  { configuration }: PolicyFolder,
): ((name: string) => Promise<unknown>) | undefined {
  const folder = options.seccompProfiles ?? configuration?.seccompProfiles;
  if (folder === undefined) return undefined;
  if (!options.ignoreOwners) return (name) => loadSeccompProfile(folder, name);
  return async (name) => {
    const path = join(folder, `${name}.json`);
    const text = await readAnyFile(path);
    // The trusted way says best that it is missing.
    return text === undefined ? loadSeccompProfile(folder, name) : parseSeccompProfile(path, text);
  };
}

async function checkHost({ policies, assigned }: CheckResult, context: CommandContext): Promise<Finding[]> {
  const { rehearse } = await import('./rehearsal.ts');
  return rehearse(policies, assigned, await loadConfiguration(context.env, context.configPath));
}

function describe({ file, line: at, level, path, message, fix }: Finding): string {
  const where = [`${file}:${at}`, level, ...(path === '' ? [] : [path])].join(': ');
  return `${line(`${where}: ${message}`)}\n${line(`    fix: ${fix}`)}`;
}
