import { shellWord } from '../host/shell-word.ts';

type Command = readonly [string, ...string[]];

/** Something only root may do to the host, and why it is wanted. */
export interface RootStep {
  readonly topic: string;
  readonly text: string;
  readonly commands: readonly Command[];
  /** What to do instead, as root, when a command fails. Without it the failure is final. */
  readonly fallback?: RootStep;
}

/** One shell script that takes all of the steps. */
export function shellScript(steps: readonly RootStep[]): string {
  return steps.map(oneScript).join(' && ');
}

function oneScript({ commands, fallback }: RootStep): string {
  const script = commands.map(commandLine).join(' && ');
  return fallback ? `{ ${script} || { ${oneScript(fallback)}; }; }` : script;
}

/** A command as somebody would type it. */
export function commandLine(command: readonly string[]): string {
  return command.map(shellWord).join(' ');
}
