import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { stages } from '../runner/custom-block.ts';
import { ownProgram } from '../runner/own-program.ts';
import { parseToml } from '../runner/toml.ts';
import { type Check, type Finding, fail, ok, skipped, warn } from './check.ts';

/** GitLab Runner's own, in seconds. */
const defaults = { graceful: 600, force: 10 };
/** How long it waits for an aborted job. */
const waits = 300;

export const runnerConfiguration: Check = {
  id: 'runner-configuration',
  title: "GitLab Runner's config.toml",
  about:
    'A runner with `executor = "custom"` calls this very program for all four stages, and `graceful_kill_timeout` and `force_kill_timeout` together stay below the 300 s that GitLab Runner waits for an aborted job: with its defaults (610 s), cleanup would start beside a stage that still runs. `bulkhead --help` prints the block. `--gitlab-runner-config` names another file.',
  async look({ options: { gitlabRunnerConfig: file } }) {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => error);
    if (typeof text === 'string') return judgeRunnerConfiguration(file, text, ownProgram(), sameFile);
    if (text.code === 'EACCES') return skipped(`${file} can be read by others only; run the doctor as root`);
    return warn(`no runner calls Bulkhead: there is no ${file} (${text.code})`, howToRegister(file));
  },
};

const custom = z.looseObject({
  ...Object.fromEntries(stages.map((stage) => [`${stage}_exec`, z.string().optional()])),
  ...Object.fromEntries(stages.map((stage) => [`${stage}_args`, z.array(z.string()).optional()])),
  graceful_kill_timeout: z.number().optional(),
  force_kill_timeout: z.number().optional(),
});
const runner = z.looseObject({
  name: z.string().optional(),
  executor: z.string().optional(),
  custom: custom.optional(),
});
const schema = z.looseObject({ runners: z.array(runner).optional() });

type Runner = z.infer<typeof runner>;
type CustomBlock = Readonly<Record<string, unknown>>;

/**
 * @param own path of this program; undefined when it cannot be told.
 * @param isSame whether two paths lead to the same file; undefined when there is nothing at the first.
 */
export function judgeRunnerConfiguration(
  file: string,
  text: string,
  own: string | undefined,
  isSame: (path: string, own: string) => boolean | undefined,
): Finding {
  let runners: readonly Runner[];
  try {
    runners = schema.parse(parseToml(text).value).runners ?? [];
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    return fail(`${file} cannot be read: ${why}`, 'Correct it; gitlab-runner verify reads it, too.');
  }
  const ours = runners.filter(
    ({ executor, custom }) => executor === 'custom' && custom !== undefined && isBulkhead(custom),
  );
  if (ours.length === 0) {
    return fail(
      `none of the ${runners.length} runners in ${file} calls Bulkhead (executor = "custom")`,
      howToRegister(file),
    );
  }
  for (const one of ours) {
    const problem = wrongWith(one.custom ?? {}, own, isSame);
    const name = one.name ?? '(without a name)';
    if (problem !== undefined) return { ...problem, text: `${file}, runner ${name}: ${problem.text}` };
  }
  return ok(`${file}: ${ours.map(({ name }) => name ?? '(without a name)').join(', ')}`);
}

function isBulkhead(block: CustomBlock): boolean {
  return stages.some((stage) => /(?:^|\/)bulkhead$/.test(String(block[`${stage}_exec`] ?? '')));
}

function wrongWith(
  block: CustomBlock,
  own: string | undefined,
  isSame: (path: string, own: string) => boolean | undefined,
): Exclude<Finding, { state: 'ok' }> | undefined {
  const takeBlock = 'Take the block that bulkhead --help prints.';
  for (const stage of stages) {
    const program = String(block[`${stage}_exec`] ?? '');
    const [first] = (block[`${stage}_args`] ?? []) as readonly string[];
    if (program === '') return failure(`it has no ${stage}_exec`, takeBlock);
    if (first !== stage)
      return failure(`${stage}_args begins with ${JSON.stringify(first ?? '')}, not "${stage}"`, takeBlock);
    const same = own === undefined ? true : isSame(program, own);
    if (same === undefined) return failure(`${stage}_exec names ${program}, which does not exist`, takeBlock);
    if (!same) {
      const text = `${stage}_exec names ${program}, which is not this Bulkhead (${own})`;
      return { state: 'warn', text, fix: `Run the doctor of that one (${program} doctor), or correct the path.` };
    }
  }
  const graceful = Number(block['graceful_kill_timeout'] ?? defaults.graceful);
  const force = Number(block['force_kill_timeout'] ?? defaults.force);
  if (graceful + force < waits) return undefined;
  return failure(
    `graceful_kill_timeout (${graceful} s) and force_kill_timeout (${force} s) are not below ${waits} s together`,
    'Put graceful_kill_timeout = 60 and force_kill_timeout = 10 into its [runners.custom] block.',
  );
}

function failure(text: string, fix: string): Exclude<Finding, { state: 'ok' }> {
  return { state: 'fail', text, fix };
}

function howToRegister(file: string): string {
  return `gitlab-runner register --executor custom, then put the block that bulkhead --help prints into ${file}; or name the file with --gitlab-runner-config.`;
}

function sameFile(path: string, own: string): boolean | undefined {
  return existsSync(path) ? realpathSync(path) === realpathSync(own) : undefined;
}
