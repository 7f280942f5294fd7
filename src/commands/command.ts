import type { Command } from 'commander';

/** What a command for people gets. Stages get a StageContext. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  /** The file named with --config. */
  readonly configPath: string | undefined;
  /** The result as one JSON object with a `schemaVersion` on stdout, for programs; whatever else there is to say, on stderr. */
  readonly json: boolean;
}

/** 0 all is well; 1 something was found, or a check failed; 2 called or configured wrongly (as when it throws). `local`: its job's. */
export type CommandExitCode = number;

/** Results go to stdout, talk goes to stderr. Throws BulkheadErrors, which main.ts reports. */
export type PeopleCommand = (context: CommandContext) => Promise<CommandExitCode>;

/** Says what the command line asked for. The command's options, with `json` among them where the command has it. */
export type Choose = (options: { json?: boolean }, command: PeopleCommand) => void;

/** Adds a command to the program: its subcommands, options and help. */
export type Register = (program: Command, choose: Choose) => void;
