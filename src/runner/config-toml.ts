import { isDeepStrictEqual } from 'node:util';
import { type AST, getStaticTOMLValue } from 'toml-eslint-parser';
import { BulkheadError } from '../errors.ts';
import { customLines, customTable, runnerKeys, shutdownTimeoutSeconds, tomlLines } from './custom-block.ts';
import { escapeForeign } from './job-log.ts';
import { applyEdits, type Edit, endOfLine, insertion, joined, replacement, takeBack } from './text-edits.ts';
import { parseToml, type Toml } from './toml.ts';

export interface MergeOptions {
  /** Absolute path of bin/bulkhead. */
  readonly program: string;
  /** The name of the runner, where there are several. */
  readonly runner?: string | undefined;
  /** Whether another executor or another driver of that runner may be replaced. */
  readonly replace?: boolean;
}

export interface Merge {
  readonly text: string;
  /** In the order of the text; none when everything is there already. */
  readonly edits: readonly Edit[];
  /** The runner's name, escaped. */
  readonly runner: string;
  /** What is left to the operator. */
  readonly notes: readonly string[];
}

type Value = Record<string, unknown>;

/**
 * Has one runner of GitLab Runner's config.toml call this driver. Everything else stays byte for byte: comments, order, line
 * ends. What the operator said about folders, environment and the time to shut down stays as well.
 * @throws BulkheadError `runner-config-refused`: nothing can be changed without doing harm, or it is not to be read.
 */
export function mergeCustom(text: string, { program, runner, replace = false }: MergeOptions): Merge {
  const { top, value } = parse(text);
  const runners = runnerTables(top);
  const values = (value['runners'] ?? []) as Value[];
  if (!Array.isArray(values) || values.length !== runners.length) throw inline();
  const index = choose(values, runner);
  const [table, before] = [runners[index], values[index]];
  if (table === undefined || before === undefined) throw inline();
  const name = escapeForeign(String(before['name'] ?? `number ${index + 1}`));
  const custom = customOf(top, index);
  if (before['custom'] !== undefined && custom === undefined) throw inline();

  const eol = text.startsWith('\r\n', endOfLine(text, table.range[0])) ? '\r\n' : '\n';
  const after = structuredClone(value) as Value;
  const wanted = (after['runners'] as Value[])[index] ?? {};
  const edits: Edit[] = [];
  const notes: string[] = [];

  edits.push(...shutdownTimeout(top, text, eol, after, notes));
  if (before['executor'] !== 'custom') {
    const pair = pairOf(table, 'executor');
    if (pair === undefined) throw refuse(`runner ${name} has no executor`, 'Register it with --executor custom.');
    if (!replace) {
      throw refuse(
        `runner ${name} has the executor ${escapeForeign(JSON.stringify(before['executor']))}`,
        'Choose another runner with --runner, or have this one replaced with --replace.',
      );
    }
    edits.push(replacement(text, pair.range, 'executor = "custom"'));
    wanted['executor'] = 'custom';
  }
  const missing = runnerKeys.filter(([key]) => before[key] === undefined);
  for (const [key, given] of missing) wanted[key] = given;
  if (!missing.some(([key]) => key === 'environment') && !disposable(before['environment']))
    notes.push(`add "CI_DISPOSABLE_ENVIRONMENT=true" to environment of runner ${name}, as the Docker executor has it`);
  const keys = tomlLines(missing, indentOf(text, table.body.at(-1)));
  const driver = (before['custom'] ?? {}) as Value;
  const ours = callsUs(driver, program);
  if (!ours) wanted['custom'] = customTable(program);
  if (!ours && custom !== undefined && !isUnfinished(driver, program) && !replace) {
    throw refuse(
      `runner ${name} has another driver in [runners.custom]: ${escapeForeign(JSON.stringify(driver['run_exec'] ?? null))}`,
      'Choose another runner with --runner, or have the driver replaced with --replace.',
    );
  }
  const lines = [...keys, ...(ours || custom !== undefined ? [] : ['  [runners.custom]', ...customLines(program)])];
  if (lines.length > 0) edits.push(insertion(endOfLine(text, endOf(table)), eol, lines));
  if (!ours && custom !== undefined) {
    const from = endOfLine(text, custom.key.range[1]);
    const to = Math.max(from, endOfLine(text, endOf(custom)));
    edits.push({ at: from, removed: text.slice(from, to), inserted: joined(eol, customLines(program)) });
  }

  edits.sort((a, b) => a.at - b.at);
  const merged = applyEdits(text, edits);
  // The last word has the parser: exactly what was meant has changed, or nothing does.
  if (!isDeepStrictEqual(parse(merged).value, after))
    throw refuse('it could not be changed without changing more than was meant', BY_HAND);
  return { text: merged, edits, runner: name, notes };
}

/**
 * Takes a merge back, also where other things have changed since.
 * @returns the text without the merge; undefined when that cannot be told apart from other changes any more.
 */
export function unmergeCustom(text: string, edits: readonly Edit[]): string | undefined {
  const result = takeBack(text, edits);
  if (result === undefined) return undefined;
  try {
    parse(result);
    return result;
  } catch {
    return undefined;
  }
}

const BY_HAND = 'Put the block that "bulkhead --help" prints into it by hand.';

function parse(text: string): Toml {
  try {
    return parseToml(text);
  } catch (cause) {
    throw refuse((cause as Error).message, 'Correct it; GitLab Runner cannot read it, either.', cause);
  }
}

function choose(runners: readonly Value[], wanted: string | undefined): number {
  const names = runners.map(({ name }) => escapeForeign(String(name ?? '(no name)'))).join(', ');
  if (runners.length === 0) throw refuse('there is no runner in it', 'Register one with "gitlab-runner register".');
  if (wanted === undefined) {
    if (runners.length === 1) return 0;
    throw refuse(`there are ${runners.length} runners in it: ${names}`, 'Name one with --runner.');
  }
  const indices = runners.flatMap(({ name }, index) => (name === wanted ? [index] : []));
  const [index] = indices;
  if (index !== undefined && indices.length === 1) return index;
  const many = indices.length === 0 ? 'no runner' : `${indices.length} runners`;
  throw refuse(`there are ${many} of the name ${escapeForeign(wanted)} in it; it has: ${names}`, 'Name another one.');
}

function shutdownTimeout(top: AST.TOMLTopLevelTable, text: string, eol: string, after: Value, notes: string[]): Edit[] {
  const given = after['shutdown_timeout'];
  if (typeof given === 'number' && given > 0) {
    if (given < shutdownTimeoutSeconds)
      notes.push(`shutdown_timeout is ${given} s; ${shutdownTimeoutSeconds} lets jobs end and be cleaned up`);
    return [];
  }
  after['shutdown_timeout'] = shutdownTimeoutSeconds;
  const line = `shutdown_timeout = ${shutdownTimeoutSeconds}`;
  const pairs = top.body.filter((node) => node.type === 'TOMLKeyValue');
  // GitLab Runner writes 0, and means its default by it.
  const pair = pairs.find(({ key }) => isKey(key, 'shutdown_timeout'));
  if (pair !== undefined) return [replacement(text, pair.range, line)];
  const last = pairs.at(-1);
  if (last !== undefined) return [insertion(endOfLine(text, last.range[1]), eol, [line])];
  return [{ at: 0, removed: '', inserted: `${line}${eol}` }];
}

function sections(top: AST.TOMLTopLevelTable): AST.TOMLTable[] {
  return top.body.filter((node) => node.type === 'TOMLTable');
}

/** The `[[runners]]` sections; the parser numbers them. */
function runnerTables(top: AST.TOMLTopLevelTable): AST.TOMLTable[] {
  return sections(top).filter(({ resolvedKey: [name], resolvedKey }) => name === 'runners' && resolvedKey.length === 2);
}

function customOf(top: AST.TOMLTopLevelTable, index: number): AST.TOMLTable | undefined {
  return sections(top).find(({ resolvedKey }) => isDeepStrictEqual(resolvedKey, ['runners', index, 'custom']));
}

function pairOf(table: AST.TOMLTable, name: string): AST.TOMLKeyValue | undefined {
  return table.body.find(({ key }) => isKey(key, name));
}

function isKey({ keys }: AST.TOMLKey, name: string): boolean {
  const [first] = keys;
  return keys.length === 1 && first !== undefined && getStaticTOMLValue(first) === name;
}

/** Whether every stage is ours; what else the section says, such as other timeouts, is the operator's. */
function callsUs(custom: Value, program: string): boolean {
  const own = Object.entries(customTable(program)).filter(([key]) => /_(exec|args)$/.test(key));
  return own.every(([key, value]) => isDeepStrictEqual(custom[key], value));
}

/** "gitlab-runner register" writes a section with no more than run_exec, empty or as it was told. */
function isUnfinished(custom: Value, program: string): boolean {
  return Object.entries(custom).every(([key, value]) => key.endsWith('_exec') && (value === '' || value === program));
}

function disposable(environment: unknown): boolean {
  return Array.isArray(environment) && environment.some((entry) => /^CI_DISPOSABLE_ENVIRONMENT=/.test(String(entry)));
}

function endOf(table: AST.TOMLTable): number {
  return table.body.at(-1)?.range[1] ?? table.key.range[1];
}

function indentOf(text: string, pair: AST.TOMLKeyValue | undefined): string {
  if (pair === undefined) return '  ';
  const line = text.slice(text.lastIndexOf('\n', pair.range[0]) + 1, pair.range[0]);
  return /^[ \t]*$/.test(line) ? line : '  ';
}

function inline(): BulkheadError {
  return refuse('its runners are not written as [[runners]] and [runners.custom] sections', BY_HAND);
}

function refuse(why: string, fix: string, cause?: unknown): BulkheadError {
  return new BulkheadError('runner-config-refused', `config.toml stays as it is: ${why}`, fix, { cause });
}
