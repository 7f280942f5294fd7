import { join } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { readTrustedFile } from '../host/trusted-file.ts';
import { findAssignment, type JobFacts } from './assignment.ts';
import { type Document, parseDocument } from './document.ts';
import { type Policy, resolvePolicy } from './policy.ts';
import { type Assignment, assignmentsSchema, matchSchema } from './schema.ts';
import { validate } from './validate.ts';

export const assignmentsFile = 'assignments.json';

/** The text of a file of the folder; undefined when there is none. */
export type ReadFile = (path: string) => Promise<string | undefined>;

/** The ordered list, and where it stands. */
export interface Assignments {
  readonly document: Document;
  readonly list: readonly Assignment[];
}

/** A policy, and why it is this one. */
export interface AssignedPolicy {
  readonly policy: Policy;
  /** Index in the list. */
  readonly assignment: number;
  readonly file: string;
  readonly line: number;
}

/** @throws BulkheadError `policy-not-found`, `policy-invalid` or `file-unsafe`. */
export async function loadAssignments(folder: string, read: ReadFile = readTrustedFile): Promise<Assignments> {
  const document = await readDocument(folder, assignmentsFile, read);
  if (document === undefined) throw notFound(`${join(folder, assignmentsFile)} does not exist`);
  return { document, list: parseAssignments(document) };
}

/** @throws BulkheadError `policy-invalid`. */
export function parseAssignments(document: Document): readonly Assignment[] {
  const ownKeys = ['assignments', 'match', 'policy', 'description', '$schema'];
  return validate(document, assignmentsSchema, [...Object.keys(matchSchema.shape), ...ownKeys]).assignments;
}

/** @throws BulkheadError `policy-not-found`, `policy-invalid` or `file-unsafe`. */
export async function loadPolicy(folder: string, name: string, read: ReadFile = readTrustedFile): Promise<Policy> {
  const policy = await resolvePolicy(name, (one) => readDocument(folder, `${one}.json`, read));
  if (policy === undefined) throw notFound(`there is no policy "${name}" in ${folder}`);
  return policy;
}

/**
 * The policy of a job: the first assignment that matches decides. Reads no more files than that takes, so that a mistake in
 * one policy leaves the jobs of the others alone.
 * @throws BulkheadError `policy-no-assignment`, and what the two above throw.
 */
export async function assignedPolicy(
  folder: string,
  facts: JobFacts,
  read: ReadFile = readTrustedFile,
): Promise<AssignedPolicy> {
  const { document, list } = await loadAssignments(folder, read);
  const index = findAssignment(list, facts);
  const assignment = list[index];
  if (assignment === undefined) {
    throw new BulkheadError(
      'policy-no-assignment',
      `this runner takes no jobs of ${describe(facts)} (no assignment in ${document.name} matches)`,
      'Ask the operators of the runner, or let the job run on another one with "tags:".',
    );
  }
  return {
    policy: await loadPolicy(folder, assignment.policy, read),
    assignment: index,
    file: document.name,
    line: document.line(['assignments', index]),
  };
}

function describe({ projectPath, projectId, protected: isProtected }: JobFacts): string {
  return `project ${projectPath ?? projectId} on ${isProtected ? 'protected' : 'unprotected'} refs`;
}

async function readDocument(folder: string, name: string, read: ReadFile): Promise<Document | undefined> {
  const text = await read(join(folder, name));
  return text === undefined ? undefined : parseDocument(name, text);
}

function notFound(message: string): BulkheadError {
  return new BulkheadError(
    'policy-not-found',
    message,
    'Name the folder of policies as "policies" in the configuration; see docs/policies.md.',
  );
}
