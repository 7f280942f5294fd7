import { shellWord } from '../host/shell-word.ts';
import { commandLine, type RootStep, shellScript } from '../host-setup/root-steps.ts';
import { escapeForeign } from '../runner/job-log.ts';
import type { Outcome } from './apply.ts';
import type { Plan } from './plan.ts';
import type { Step } from './steps.ts';
import type { FileState } from './written-files.ts';

/** A step with what it finds on this host; `unknown` shows only when it is taken. */
export interface SeenStep {
  readonly step: Step;
  readonly state: FileState | 'unknown';
}

/** The whole plan, for people: every step, why, and what is written. */
export function describePlan(steps: readonly SeenStep[]): string[] {
  return steps.flatMap(({ step, state }, index) => [
    `${index + 1}. ${printable(step.what)}: ${step.why}${state === 'unknown' || state === 'new' ? '' : ` [${stateWords[state]}]`}`,
    ...details(step),
    '',
  ]);
}

const stateWords: Record<FileState, string> = {
  new: 'new',
  there: 'already there',
  outdated: 'will be brought up to date',
  foreign: 'stays as it is: somebody else wrote or changed it',
};

function details(step: Step): string[] {
  if ('commands' in step) return step.commands.map((command) => `   $ ${printable(commandLine(command))}`);
  if ('content' in step && step.content !== '')
    return step.content
      .trimEnd()
      .split('\n')
      .map((each) => `   | ${printable(each)}`);
  return [];
}

/** What has to be done first, with the one line that does what a line can do. */
export function describeRequirements(steps: readonly RootStep[], root: boolean): string[] {
  const doable = steps.filter(({ commands }) => commands.length > 0);
  const script = shellScript(doable);
  return [
    'this is missing, and not for init to do:',
    ...steps.map(({ topic, text }) => `  ${topic}: ${text}`),
    ...(doable.length === 0
      ? ['Do that, then run init again.']
      : ['Run this, then init again:', '', `  ${root ? script : `sudo sh -c ${shellWord(script)}`}`, '']),
  ];
}

export function planJson({ obstacles, requirements, notes }: Plan, steps: readonly SeenStep[], block: string) {
  return {
    schemaVersion: 1,
    obstacles,
    requirements: requirements.map(({ topic, text, commands }) => ({ topic, text, commands })),
    steps: steps.map(({ step, state }) => ({ ...step, state })),
    notes,
    runnerBlock: block,
  };
}

export function describeOutcome(step: Step, outcome: Outcome): string | undefined {
  if (outcome === 'done') return `${step.what}: done`;
  if (outcome === 'left') return `${step.what}: left to the host itself`;
  if (outcome === 'foreign')
    return `${'path' in step ? step.path : step.what} stays as it is: somebody else wrote or changed it`;
  return undefined;
}

function printable(text: string): string {
  return escapeForeign(text, 10_000);
}
