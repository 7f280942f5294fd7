import { readCases } from './cases.ts';
import { checkAssignments } from './check-assignments.ts';
import { checkSettings, locate } from './check-settings.ts';
import { type Document, parseDocument } from './document.ts';
import { type Finding, findingsOf, type Level, sortFindings, Unusable } from './finding.ts';
import { formatPath, type JsonPath } from './json-path.ts';
import { type Assignments, assignmentsFile, parseAssignments } from './load.ts';
import type { Origin } from './merge.ts';
import { type Policy, resolvePolicy } from './policy.ts';
import { invalid, PolicyIncomplete } from './problem.ts';

/** A folder of policies, and what is asked of the rest of the world about it. */
export interface CheckedFolder {
  /** Of all files in it. */
  readonly names: readonly string[];
  /** @throws BulkheadError `file-unsafe`. */
  read(name: string): Promise<string | undefined>;
  /** @throws BulkheadError when there is no such seccomp profile, or it is wrong. Undefined where profiles are not known. */
  readonly requireProfile: ((name: string) => Promise<unknown>) | undefined;
}

export interface CheckResult {
  readonly findings: readonly Finding[];
  /** Those that resolve, by name. */
  readonly policies: readonly Policy[];
  /** Names of those that some job can get. */
  readonly assigned: ReadonlySet<string>;
}

const policyFile = /^([a-z0-9][a-z0-9-]{0,62})\.json$/;

/** Looks at everything in a folder of policies. Stops at no mistake. */
export async function checkFolder(folder: CheckedFolder): Promise<CheckResult> {
  const findings: Finding[] = [];
  const documents = new Map<string, Promise<Document | undefined>>();
  const read = (name: string) => {
    const document = documents.get(name) ?? readDocument(folder, name);
    documents.set(name, document);
    return document;
  };
  const attempt = async <T>(at: Origin, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      findings.push(...findingsOf(error, at));
      return undefined;
    }
  };
  const whole = (file: string): Origin => ({ file, line: 1, path: '' });

  const names = folder.names.flatMap((name) => (name === assignmentsFile ? [] : (policyFile.exec(name)?.[1] ?? [])));
  const assignments = await attempt(whole(assignmentsFile), () => readAssignments(read));
  const fragments = await extended(names, read);
  const policies: Policy[] = [];
  for (const name of names) {
    const file = `${name}.json`;
    const isUsed = assignments?.list.some(({ policy }) => policy === name) === true;
    const policy = await attempt(whole(file), () =>
      resolvePolicy(name, (one) => read(`${one}.json`)).catch((error) => {
        throw isUsed || !fragments.has(name) ? error : excuse(error);
      }),
    );
    if (policy === undefined) continue;
    policies.push(policy);
    const known = await Promise.all(policy.files.map(read));
    const lineOf = (of: string, path: JsonPath) => known.find((document) => document?.name === of)?.line(path) ?? 1;
    findings.push(...checkSettings(policy, lineOf));
    const { seccomp } = policy.settings;
    await attempt(locate(policy, ['seccomp'], lineOf), async () => folder.requireProfile?.(seccomp));
    if (assignments !== undefined && !isUsed && !fragments.has(name)) {
      const message = 'is assigned to nobody, and nothing extends it';
      findings.push({ ...whole(file), level: 'info', message, fix: `Assign it in ${assignmentsFile}, or remove it.` });
    }
  }
  if (assignments !== undefined)
    findings.push(...checkAssignments(assignments), ...unknownPolicies(assignments, names));
  for (const name of folder.names) {
    if (name.endsWith('.test.json')) await attempt(whole(name), () => readCases(name, read));
    else if (isStray(name)) findings.push(stray(whole(name)));
  }
  const assigned = new Set(assignments?.list.map(({ policy }) => policy));
  return { findings: sortFindings(findings), policies, assigned };
}

/** What only `--strict` fails for is a warning; an info never fails. */
export function fails(findings: readonly Finding[], strict: boolean): boolean {
  const failing: readonly Level[] = strict ? ['error', 'warning'] : ['error'];
  return findings.some(({ level }) => failing.includes(level));
}

async function readDocument(folder: CheckedFolder, name: string): Promise<Document | undefined> {
  const text = await folder.read(name).catch((error) => {
    throw new Unusable(findingsOf(error, { file: name, line: 1, path: '' }));
  });
  return text === undefined ? undefined : parseDocument(name, text);
}

type Read = (name: string) => Promise<Document | undefined>;

async function readAssignments(read: Read): Promise<Assignments> {
  const document = await read(assignmentsFile);
  if (document === undefined) {
    throw invalid({ file: assignmentsFile, line: 1, path: '', message: 'does not exist: no job gets a policy' });
  }
  return { document, list: parseAssignments(document) };
}

/** Policies that others extend. */
async function extended(names: readonly string[], read: Read): Promise<ReadonlySet<unknown>> {
  const documents = await Promise.allSettled(names.map((name) => read(`${name}.json`)));
  return new Set(
    documents.map((outcome) =>
      outcome.status === 'fulfilled' ? (outcome.value?.value as { extends?: unknown } | null)?.extends : undefined,
    ),
  );
}

/** A policy that is only there to be extended need not be complete. */
function excuse(error: unknown): unknown {
  if (!(error instanceof PolicyIncomplete)) return error;
  const fix = 'Nothing, as long as it is only extended.';
  return new Unusable(error.problems.map((problem) => ({ ...problem, level: 'info', fix })));
}

function unknownPolicies({ document, list }: Assignments, names: readonly string[]): Finding[] {
  return list.flatMap(({ policy }, index): Finding[] => {
    if (names.includes(policy)) return [];
    const path = ['assignments', index, 'policy'];
    const at = { file: document.name, line: document.line(path), path: formatPath(path) };
    const message = `there is no policy "${policy}"`;
    return [{ ...at, level: 'error', message, fix: `Write ${policy}.json, or name one of: ${names.join(', ')}.` }];
  });
}

function isStray(name: string): boolean {
  return name.endsWith('.json') && !policyFile.test(name) && !name.endsWith('.schema.json');
}

function stray(at: Origin): Finding {
  const message = 'is no policy: its name is not one that assignments could use';
  return { ...at, level: 'warning', message, fix: 'Rename it to lower-case letters, digits and dashes.' };
}
