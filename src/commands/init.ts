import { dirname, isAbsolute, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { PeopleCommand, Register } from './command.ts';
import { printNote } from './print.ts';

interface InitCommandOptions {
  readonly print?: boolean;
  readonly merge?: string;
  readonly runner?: string;
  readonly replace?: boolean;
  readonly helperImage?: string;
  readonly root?: string;
  readonly uninstall?: boolean;
  readonly purge?: boolean;
  readonly json?: boolean;
}

export const registerInit: Register = (program, choose) => {
  program
    .command('init')
    .description('set this host up: configuration, Podman for a user of its own, gc timer; or undo that')
    .option('--print', 'show what would be done and written, and touch nothing')
    .option('--merge <config.toml>', "also put the driver into this config.toml of GitLab Runner's", absolute)
    .option('--runner <name>', 'the runner in it, where there are several')
    .option('--replace', 'replace the executor or the driver that the runner has')
    .option('--helper-image <image>', 'a helper image, or the path of an archive of one; without it one is made')
    .option('--root <folder>', 'write the files only, below this folder: for packages and images of hosts', absolute)
    .option('--uninstall', 'remove what init wrote, and nothing else')
    .option('--purge', 'with --uninstall: images, receipts, and the user that owns them, too')
    .option('--json', 'the plan as JSON')
    .addHelpText(
      'after',
      `
As root, Podman belongs to the system user bulkhead, which is made; else to you. Run it again any time: what is there stays,
and what somebody else wrote or changed is named and left. What is written where: docs/install.md.

Examples:
  bulkhead init --print
  bulkhead init --merge /etc/gitlab-runner/config.toml
  bulkhead init --helper-image /root/helper.tar
  bulkhead init --uninstall --purge

Exit codes: 0 done, or nothing to do; 1 something must be done first, and the line that does it is printed, or --uninstall left
what somebody changed; 2 this host cannot be set up, or the command line is wrong.`,
    )
    .action((options: InitCommandOptions) => choose(options, init(options)));
};

function absolute(path: string): string {
  if (path === '') throw new InvalidArgumentError('A path is wanted.');
  return resolve(path);
}

function init(options: InitCommandOptions): PeopleCommand {
  return async (context) => {
    const wrong = contradiction(options);
    if (wrong !== undefined) {
      await printNote(`error: ${wrong}`);
      return 2;
    }
    const { print = false, merge, runner, replace = false, helperImage, root, purge = false } = options;
    // The bundle lies in dist/, the sources in src/: the product is the folder above either.
    const product = dirname(dirname(resolve(process.argv[1] ?? '')));
    const { runInit, runUninstall } = await import('../init/run.ts');
    if (options.uninstall) return await runUninstall({ staging: root, purge }, product, context);
    return await runInit(
      { print, staging: root, helperImage, merge: merge === undefined ? undefined : { path: merge, runner, replace } },
      product,
      context,
    );
  };
}

function contradiction({
  print,
  merge,
  runner,
  replace,
  helperImage,
  root,
  uninstall,
  purge,
  json,
}: InitCommandOptions) {
  if (purge && !uninstall) return '--purge goes with --uninstall';
  if (uninstall && (print || merge || runner || replace || helperImage || json))
    return '--uninstall goes with --purge and --root only';
  if ((runner || replace) && merge === undefined) return '--runner and --replace go with --merge';
  if (helperImage?.includes('/') && /^\.{1,2}\//.test(helperImage)) return '--helper-image takes an absolute path';
  if (root !== undefined && !print && !uninstall && (helperImage === undefined || isAbsolute(helperImage)))
    return '--root needs the name of a --helper-image: nothing is built for another host';
  return undefined;
}
