import type { Command } from 'commander';
import { registerAll } from '../src/commands/all.ts';
import { makeProgram } from '../src/program.ts';

/** The whole command line of bulkhead, to describe it: nothing is ever run. */
export function commandLine(): Command {
  const program = makeProgram(
    () => {},
    () => {},
  );
  registerAll(program, () => {});
  return program;
}

/** A command that can be called, and the words that call it. */
export interface Callable {
  /** As typed, such as `bulkhead policy check`. */
  readonly words: string;
  readonly command: Command;
}

/** The commands that do something: those below a group, not the group. */
export function callables(command: Command, above = ''): Callable[] {
  const words = `${above}${command.name()}`;
  const below = command.commands.flatMap((each) => callables(each, `${words} `));
  return below.length > 0 ? below : [{ words, command }];
}

/** What --help says of a command after its options: examples, exit codes. */
export function afterHelp(command: Command): string {
  const told: string[] = [];
  command.configureOutput({ writeOut: (text) => told.push(text) });
  command.outputHelp();
  return told.join('').slice(command.helpInformation().length).trim();
}
