import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandContext, CommandExitCode } from '../commands/command.ts';
import { count, printNote, printResult } from '../commands/print.ts';
import { BulkheadError } from '../errors.ts';
import { mergeCustom } from '../runner/config-toml.ts';
import { runnerBlock } from '../runner/custom-block.ts';
import { escapeForeign } from '../runner/job-log.ts';
import { Application, type Surroundings } from './apply.ts';
import { readConfigToml } from './config-toml-file.ts';
import { hostFacts } from './facts.ts';
import { impossible } from './impossible.ts';
import { emptyManifest, type Manifest, readManifest, writeManifest } from './manifest.ts';
import type { OperatorLayout } from './operator-layout.ts';
import { type InitOptions, type Plan, plan } from './plan.ts';
import { describeOutcome, describePlan, describeRequirements, planJson, type SeenStep } from './report.ts';
import type { Step } from './steps.ts';
import { uninstall } from './uninstall.ts';
import { fileState, makeFolders } from './written-files.ts';

export interface InitRequest extends InitOptions {
  readonly print: boolean;
  /** Absolute folder below which files are written, for another host; undefined is this host. */
  readonly staging: string | undefined;
}

/**
 * Sets this host up, or says what that takes.
 * @param product the folder that holds bin/bulkhead.
 * @throws BulkheadError `init-impossible`, `runner-config-refused`, `file-unsafe`.
 */
export async function runInit(
  request: InitRequest,
  product: string,
  context: CommandContext,
): Promise<CommandExitCode> {
  requireProduct(product);
  const facts = await hostFacts(context.env, product);
  const on = placed(request.staging);
  const { layout } = facts;
  const manifest = (await readManifest(on(layout.manifest))) ?? emptyManifest();
  const merged = manifest.merges.length > 0;
  const made = plan(facts, request, merged);
  const seen = made.steps.map((step) => see(step, manifest, on));
  const block = runnerBlock(join(product, 'bin/bulkhead'));
  if (request.print || context.json) await printPlan(made, seen, block, context.json);
  const staging = request.staging !== undefined;
  for (const line of made.obstacles) if (!staging) await note(line);
  if (made.requirements.length > 0 && !staging)
    await printNote(describeRequirements(made.requirements, facts.root).join('\n'));
  if (request.print) return await withNotes(made, 0);
  if (made.obstacles.length > 0 && !staging) {
    throw impossible(`this host cannot be set up: ${made.obstacles.join('; ')}`);
  }
  if (made.requirements.length > 0 && !staging) return 1;

  // Known before anything is changed: a config.toml that cannot be merged into would stop it at the very end.
  for (const step of made.steps) if (step.kind === 'merge') mergeCustom(readConfigToml(on(step.path)), step);
  const here = surroundings(layout, product, manifest, on, staging);
  makeFolders(manifest, layout.dataDir, on(layout.dataDir), 0o755, () => {});
  here.save();
  await takeAll(made.steps, here);
  if (request.merge === undefined && !merged && !context.json) await printResult(block.trimEnd());
  return await withNotes(made, 0);
}

/** Takes back what init did. 1 when something stays because somebody changed it. */
export async function runUninstall(
  { staging, purge }: { staging: string | undefined; purge: boolean },
  product: string,
  { env }: CommandContext,
): Promise<CommandExitCode> {
  const { layout } = await hostFacts(env, product);
  const on = placed(staging);
  const manifest = await readManifest(on(layout.manifest));
  if (manifest === undefined) {
    await note('init has done nothing here that could be undone');
    return 0;
  }
  const here = surroundings(layout, product, manifest, on, staging !== undefined);
  const { changed, kept } = await uninstall(here, purge);
  for (const line of [...changed, ...kept]) await printResult(`left: ${escapeForeign(line, 2000)}`);
  return changed.length === 0 ? 0 : 1;
}

function surroundings(
  layout: OperatorLayout,
  product: string,
  manifest: Manifest,
  on: (path: string) => string,
  staging: boolean,
): Surroundings {
  const save = () => writeManifest(on(layout.manifest), manifest);
  const say = (topic: string, text: string) =>
    void process.stderr.write(`init: ${topic}: ${escapeForeign(text, 4000)}\n`);
  return { layout, product, manifest, save, say, on, staging };
}

async function takeAll(steps: readonly Step[], here: Surroundings): Promise<void> {
  const application = new Application(here);
  let there = 0;
  for (const step of steps) {
    const outcome = await application.take(step);
    const text = describeOutcome(step, outcome);
    if (text === undefined) there++;
    else here.say(step.kind, text);
  }
  if (there > 0) await note(`${count(there, 'step')} of ${steps.length} had nothing to do`);
}

function see(step: Step, manifest: Manifest, on: (path: string) => string): SeenStep {
  if (step.kind === 'folder') return { step, state: existsSync(on(step.path)) ? 'there' : 'new' };
  if (step.kind !== 'file') return { step, state: 'unknown' };
  return { step, state: fileState(manifest, step.path, step.content, on(step.path)) };
}

async function printPlan(made: Plan, seen: readonly SeenStep[], block: string, json: boolean): Promise<void> {
  if (json) return await printResult(JSON.stringify(planJson(made, seen, block)));
  await printResult([...describePlan(seen), "In GitLab Runner's config.toml:", '', block.trimEnd()].join('\n'));
}

async function withNotes(made: Plan, exitCode: CommandExitCode): Promise<CommandExitCode> {
  for (const text of made.notes) await note(text);
  return exitCode;
}

function note(text: string): Promise<void> {
  return printNote(`init: ${escapeForeign(text, 4000)}`);
}

function placed(staging: string | undefined): (path: string) => string {
  return (path) => (staging === undefined ? path : join(staging, path));
}

function requireProduct(folder: string): void {
  for (const name of ['bin/bulkhead', 'policies', 'seccomp', 'Containerfile', 'probe']) {
    if (existsSync(join(folder, name))) continue;
    throw new BulkheadError('init-impossible', `${join(folder, name)} is missing`, 'Install all of Bulkhead again.');
  }
}
