import { Option } from 'commander';
import { checks } from '../doctor/all.ts';
import { examine } from '../doctor/host/examine.ts';
import { type DoctorOptions, openHost } from '../doctor/host/host.ts';
import { BulkheadError } from '../errors.ts';
import { stopSignal } from '../host/stop-signal.ts';
import type { PeopleCommand, Register } from './command.ts';
import { describeCheck, doctorJson, type Examined, summarise } from './doctor/report.ts';
import { printNote, printResult } from './print.ts';

interface Options extends DoctorOptions {
  readonly attack?: boolean;
  /** Path of the page that is written. */
  readonly html?: string;
  readonly json?: boolean;
}

export const registerDoctor: Register = (program, choose) => {
  program
    .command('doctor')
    .description(
      'look at everything that jobs need on this host, in a real sandbox too, and say how to mend what is wrong',
    )
    .option('--policy <name>', 'make the sandbox under this policy (default: that of the last assignment)')
    .option('--gitlab-runner-config <file>', 'config.toml of GitLab Runner', '/etc/gitlab-runner/config.toml')
    .option('--attack', 'run hostile scripts in sandboxes of this host instead, and say what held')
    .addOption(new Option('--html <file>', 'write what --attack found as a page, too').implies({ attack: true }))
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `
Changes nothing but its own sandbox, which it removes. Run it as the user of GitLab Runner (root, or Podman's user): others see
less. docs/doctor.md says what each check means.

Examples:
  bulkhead doctor
  bulkhead doctor --json | jq '.checks[] | select(.state == "fail")'
  bulkhead doctor --policy restricted --gitlab-runner-config /srv/gitlab-runner/config.toml
  bulkhead doctor --attack --policy restricted --html attack.html

Exit codes: 0 all is well, or there are only warnings; 1 a check failed, or an attack worked that must not; 2 the command line is
wrong, nothing could be attacked, or it was interrupted.`,
    )
    .action((options: Options) => choose(options, doctor(options)));
};

function doctor(options: Options): PeopleCommand {
  return async (context) => {
    const host = openHost(options, context, interruption());
    if (options.attack) {
      const { attackHost } = await import('./doctor/attack.ts');
      return await attackHost(host, context, options.html);
    }
    const examined: Examined[] = [];
    for (const check of checks) {
      host.stop.throwIfAborted();
      const one = { check, finding: await examine(check, host) };
      examined.push(one);
      if (!context.json) await printResult(describeCheck(one));
    }
    const tried = await host.sandbox.look().catch(() => undefined);
    if (context.json) await printResult(JSON.stringify(doctorJson(examined, tried)));
    else await printNote(summarise(examined));
    return examined.some(({ finding }) => finding.state === 'fail') ? 1 : 0;
  };
}

/** Whoever interrupts the doctor waits until its sandbox is gone. */
function interruption(): AbortSignal {
  const text = 'the doctor was interrupted; its sandbox is removed';
  return stopSignal(new BulkheadError('terminated', text, 'Nothing to fix.'));
}
