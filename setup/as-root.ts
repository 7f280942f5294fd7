import { ExecaError, execa } from 'execa';
import { shellWord } from '../src/host/shell-word.ts';
import { type RootStep, shellScript } from '../src/host-setup/root-steps.ts';
import { isRoot } from './host.ts';
import { SetupError, say } from './say.ts';

export type { RootStep } from '../src/host-setup/root-steps.ts';

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
  return `this needs root once:\n${wanted}\nRun this, then set up again:\n\n  sudo sh -c ${shellWord(shellScript(steps))}\n`;
}

function lastLines(output: unknown): string {
  return String(output ?? '')
    .trimEnd()
    .split('\n')
    .slice(-15)
    .join('\n');
}
