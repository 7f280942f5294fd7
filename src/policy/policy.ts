import { createHash } from 'node:crypto';
import type { Document } from './document.ts';
import { formatPath, type JsonPath } from './json-path.ts';
import { merge, type Origin } from './merge.ts';
import { invalid, PolicyIncomplete } from './problem.ts';
import { policyFileSchema, type Settings, sections, settingsSchema } from './schema.ts';
import { validate } from './validate.ts';

/** A policy with all that it extends. */
export interface Policy {
  readonly name: string;
  readonly settings: Settings;
  /** Hash over all settings: two policies with the same one give every job the same. */
  readonly hash: string;
  /** The files that made it, the outermost ancestor first. */
  readonly files: readonly string[];
  /** The place that set a setting, by its path (`limits.memory`). */
  readonly origins: ReadonlyMap<string, Origin>;
}

/** Reads the document of a policy by its name. */
export type ReadPolicyFile = (name: string) => Promise<Document | undefined>;

const longestChain = 16;
/** Every key that a policy file may hold, for "did you mean". */
const knownKeys = [
  ...Object.keys(policyFileSchema.shape),
  ...Object.values(sections).flatMap((section) => ('shape' in section ? Object.keys(section.shape) : [])),
];

/**
 * Resolves a policy: follows `extends`, merges, and checks the result as a whole.
 * @returns undefined when there is no such policy.
 * @throws BulkheadError `policy-invalid` with file, line and path.
 */
export async function resolvePolicy(name: string, read: ReadPolicyFile): Promise<Policy | undefined> {
  const own = await read(name);
  if (own === undefined) return undefined;
  const chain: Document[] = [];
  const names: string[] = [name];
  for (let document: Document | undefined = own; document !== undefined; ) {
    chain.unshift(document);
    const parent: string | undefined = validate(document, policyFileSchema, knownKeys).extends;
    if (parent === undefined) break;
    const at = { file: document.name, line: document.line(['extends']), path: 'extends' };
    if (names.includes(parent)) {
      const circle = [...names, parent].join(' → ');
      throw invalid({ ...at, message: `"${parent}" leads back to itself (${circle})` });
    }
    if (names.length >= longestChain) throw invalid({ ...at, message: `more than ${longestChain} policies in a row` });
    names.push(parent);
    document = await read(parent);
    if (document === undefined) throw invalid({ ...at, message: `there is no policy "${parent}"` });
  }
  const { settings, origins } = merge(chain);
  return { name, ...complete(own, settings, origins), files: chain.map((document) => document.name), origins };
}

/** The files are each valid; something may still be missing, or two settings may exclude each other. */
function complete(own: Document, raw: unknown, origins: Policy['origins']): { settings: Settings; hash: string } {
  const result = settingsSchema.safeParse(raw);
  if (result.success) {
    return { settings: result.data, hash: createHash('sha256').update(canonical(result.data)).digest('hex') };
  }
  const issues = result.error.issues.map(({ code, path, message }) => ({
    missing: code !== 'custom',
    path: formatPath(path as JsonPath),
    message,
  }));
  const missing = issues.filter((issue) => issue.missing).map(({ path }) => path);
  if (missing.length === 0) {
    throw invalid(
      ...issues.map(({ path, message }) => ({ ...(origins.get(path) ?? { file: own.name, line: 1, path }), message })),
    );
  }
  const message = `not set, neither here nor in what it extends: ${missing.join(', ')}`;
  throw new PolicyIncomplete([{ file: own.name, line: 1, path: '', message }]);
}

/** JSON with sorted keys: the same text for the same settings, in whatever order the files had them. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
