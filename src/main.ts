import './last-resort.ts';
import { writeSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { BulkheadError, toBulkheadError } from './errors.ts';
import { exitCodesFrom } from './exit-codes.ts';
import { describeFailure, logLine } from './runner/job-log.ts';
import type { StageContext } from './stages/context.ts';
import { version } from './version.ts';

const codes = exitCodesFrom(process.env);

/** Stages are loaded when they are called: a driver process starts about ten times per job. */
async function main(): Promise<number> {
  let work: ((context: StageContext) => Promise<number>) | undefined;
  const program = new Command('bulkhead')
    .description('GitLab Runner Custom executor driver: every CI job in gVisor sandboxes on rootless Podman.')
    .version(version)
    .option('--config <file>', 'configuration file (default: $BULKHEAD_CONFIG, then the usual places)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => say(1, text), writeErr: (text) => say(2, text) })
    .addHelpText('after', helpText);
  program
    .command('config')
    .description('print where a job lives in its sandbox, as JSON')
    .action(() => {
      work = async (context) => (await import('./stages/config.ts')).config(context);
    });
  program
    .command('prepare')
    .description("make the job's sandboxes, and prove their isolation")
    .action(() => {
      work = async (context) => (await import('./stages/prepare.ts')).prepare(context);
    });
  program
    .command('run')
    .description('run a stage script in its sandbox')
    .argument('<script>', 'path of the script, or - for standard input')
    .argument('<stage>', 'name of the stage, such as get_sources or build_script')
    .action((script: string, stage: string) => {
      work = async (context) => (await import('./stages/run.ts')).run(context, script, stage);
    });
  program
    .command('cleanup')
    .description('remove everything of the job')
    .action(() => {
      work = async (context) => (await import('./stages/cleanup.ts')).cleanup(context);
    });

  try {
    program.parse();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what is wrong; its exit code 1 would blame the job.
    return error.exitCode === 0 ? 0 : codes.systemFailure;
  }
  if (work === undefined) throw new Error('no command was given');
  return work({ env: process.env, codes, configPath: program.opts<{ config?: string }>().config, stop: stopSignal() });
}

/** What commander says, such as the help. Its reader may have seen enough: `--help | head -1` is no error. */
function say(descriptor: 1 | 2, text: string): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // The exit code still tells.
  }
}

/** GitLab Runner ends a stage with SIGTERM to its process group; a terminal does with SIGINT or SIGHUP. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const reason = new BulkheadError(
    'terminated',
    'GitLab Runner ended this stage',
    'The job was canceled or ran into a timeout; nothing to fix on this host.',
  );
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort(reason));
  return stop.signal;
}

const helpText = `
Called by GitLab Runner, in config.toml:
  [runners.custom]
    config_exec = "/path/to/bin/bulkhead"
    config_args = ["config"]
    prepare_exec = "/path/to/bin/bulkhead"
    prepare_args = ["prepare"]
    run_exec = "/path/to/bin/bulkhead"
    run_args = ["run"]
    cleanup_exec = "/path/to/bin/bulkhead"
    cleanup_args = ["cleanup"]

Exit codes: 0 success; BUILD_FAILURE_EXIT_CODE the job failed; SYSTEM_FAILURE_EXIT_CODE anything else.`;

/** Says what failed; returns the exit code for whoever is to blame. */
async function report(thrown: unknown): Promise<number> {
  const error = toBulkheadError(thrown);
  // When nobody reads the log any more, the exit code still tells.
  await logLine(describeFailure(error), 'stderr').catch(() => {});
  return error.blame === 'job' ? codes.buildFailure : codes.systemFailure;
}

void main()
  .catch(report)
  .then((exitCode) => process.exit(exitCode));
