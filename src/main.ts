import './last-resort.ts';
import { writeSync } from 'node:fs';
import { CommanderError } from 'commander';
import type { CommandContext, PeopleCommand } from './commands/command.ts';
import { BulkheadError, toBulkheadError } from './errors.ts';
import { exitCodesFrom } from './exit-codes.ts';
import { stopSignal } from './host/stop-signal.ts';
import { type CallStage, makeProgram } from './program.ts';
import { customBlock } from './runner/custom-block.ts';
import { describeFailure, logLine } from './runner/job-log.ts';
import { writeInOneStream } from './runner/output.ts';
import { ownProgram } from './runner/own-program.ts';
import { telemetrySettings } from './telemetry/settings.ts';

const codes = exitCodesFrom(process.env);

/** Stages are loaded when they are called, as is all that is for people: a driver process starts ten times per job. */
async function main(): Promise<number> {
  let work: (() => Promise<number>) | undefined;
  const stage: CallStage = (command, load, { inJobLog = false, name } = {}) => {
    work = async () => {
      if (inJobLog) writeInOneStream();
      // Before anything is loaded: a signal must not end us while a stage's code is read.
      const stop = stopSignal(terminated());
      const context = { env: process.env, codes, configPath: configPath(), stop };
      const run = await load();
      const telemetry = telemetrySettings(process.env);
      if (telemetry === undefined) return run(context);
      const { traceStage } = await import('./telemetry/trace-stage.ts');
      return traceStage(telemetry, context, { command, ...(name !== undefined && { stage: name }) }, run);
    };
  };
  const program = makeProgram(stage, say).addHelpText('after', helpText);
  const configPath = () => program.opts<{ config?: string }>().config;
  const stages = program.commands.map((command) => command.name());
  let usageExitCode: number = codes.systemFailure;

  try {
    const [name = ''] = program.parseOptions(process.argv.slice(2)).operands;
    if (!stages.includes(name)) {
      const { registerAll } = await import('./commands/all.ts');
      registerAll(program, ({ json = false }, command) => {
        work = () => forPeople(command, { env: process.env, configPath: configPath(), json });
      });
      if (program.commands.some((command) => command.name() === name)) usageExitCode = 2;
    }
    program.parse();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what is wrong; its exit code 1 would blame the job.
    return error.exitCode === 0 ? 0 : usageExitCode;
  }
  if (work === undefined) throw new Error('no command was given');
  return work();
}

/** People's shells and scripts have exit codes of their own: 1 is a finding, and what went wrong is 2. */
async function forPeople(command: PeopleCommand, context: CommandContext): Promise<number> {
  try {
    return await command(context);
  } catch (error) {
    await report(error);
    return 2;
  }
}

/** What commander says, such as the help. Its reader may have seen enough: `--help | head -1` is no error. */
function say(descriptor: 1 | 2, text: string): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // The exit code still tells.
  }
}

const terminated = () =>
  new BulkheadError(
    'terminated',
    'GitLab Runner ended this stage: the job was canceled, ran out of time, or the runner is shutting down',
    'Nothing to fix on this host.',
  );

const helpText = () => `
Called by GitLab Runner, with this in its config.toml (and executor = "custom"):
${customBlock(ownProgram() ?? '/path/to/bin/bulkhead')}
Exit codes: 0 success; BUILD_FAILURE_EXIT_CODE the job failed; SYSTEM_FAILURE_EXIT_CODE anything else.
Of the commands for people: 0 success; 1 something was found; 2 wrong usage or configuration.`;

/** Says what failed; returns the exit code for whoever is to blame. */
async function report(thrown: unknown): Promise<number> {
  const error = toBulkheadError(thrown);
  const text = describeFailure(error);
  // When nobody reads the job log any more, somebody may still read stderr; else the exit code tells.
  await logLine(text, 'stderr').catch(() => say(2, `${text}\n`));
  return error.blame === 'job' ? codes.buildFailure : codes.systemFailure;
}

void main()
  .catch(report)
  .then((exitCode) => process.exit(exitCode));
