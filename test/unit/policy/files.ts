import { parseDocument } from '../../../src/policy/document.ts';
import type { ReadPolicyFile } from '../../../src/policy/policy.ts';
import { type Policy, resolvePolicy } from '../../../src/policy/policy.ts';
import { policyFile } from '../samples.ts';

/** Policy files by name, as values or as text. */
export type Files = Readonly<Record<string, unknown>>;

export const textOf = (content: unknown): string =>
  typeof content === 'string' ? content : JSON.stringify(content, null, 2);

export const readerOf =
  (files: Files): ReadPolicyFile =>
  async (name) =>
    Object.hasOwn(files, name) ? parseDocument(`${name}.json`, textOf(files[name])) : undefined;

export async function resolve(files: Files, name = 'site'): Promise<Policy> {
  const policy = await resolvePolicy(name, readerOf(files));
  if (policy === undefined) throw new Error(`there is no ${name}`);
  return policy;
}

/** A policy that says everything, with some of its sections changed. */
export const policyOf = (changes: Record<string, unknown> = {}): Promise<Policy> =>
  resolve({ site: { ...policyFile, ...changes } });
