import { ExecaError, execa } from 'execa';
import { isRoot } from './host.ts';
import { SetupError, say } from './say.ts';

/** Something only root may do to the host, and why set-up wants it. */
export interface RootStep {
  readonly topic: string;
  readonly text: string;
  readonly commands: readonly (readonly [string, ...string[]])[];
  /** What to do instead, as root, when a command fails. Without it the failure ends set-up. */
  readonly fallback?: RootStep;
}

/** Takes the steps when root runs set-up; else throws with the one sudo line that takes all of them. */
export async function asRoot(steps: readonly RootStep[]): Promise<void> {
  if (steps.length === 0) return;
  if (!isRoot) throw new SetupError(request(steps));
  for (const step of steps) await take(step);
}

async function take(step: RootStep): Promise<void> {
  say(step.topic, step.text);
  try {
    for (const [program, ...args] of step.commands) {
      await execa(program, args, { stdin: 'ignore', all: true, env: { DEBIAN_FRONTEND: 'noninteractive' } });
    }
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    if (!step.fallback) throw new SetupError(`${step.topic}: ${error.shortMessage}\n${lastLines(error.all)}`);
    say(step.topic, `${error.shortMessage}`);
    await take(step.fallback);
  }
}

function request(steps: readonly RootStep[]): string {
  const wanted = steps.map(({ topic, text }) => `  ${topic}: ${text}`).join('\n');
  const script = steps.map(shellScript).join(' && ');
  return `this needs root once:\n${wanted}\nRun this, then set up again:\n\n  sudo sh -c ${quote(script)}\n`;
}

function shellScript({ commands, fallback }: RootStep): string {
  const script = commands.map((command) => command.map(quote).join(' ')).join(' && ');
  return fallback ? `{ ${script} || { ${shellScript(fallback)}; }; }` : script;
}

function quote(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function lastLines(output: unknown): string {
  return String(output ?? '')
    .trimEnd()
    .split('\n')
    .slice(-15)
    .join('\n');
}
