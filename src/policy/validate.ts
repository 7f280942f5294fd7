import type * as z from 'zod';
import type { Document } from './document.ts';
import { formatPath, type JsonPath } from './json-path.ts';
import { nearest } from './nearest.ts';
import { invalid, type Problem } from './problem.ts';

/**
 * Checks a document against a schema.
 * @param knownKeys for "did you mean".
 * @throws BulkheadError `policy-invalid`: file, line and path of each problem.
 */
export function validate<T extends z.ZodType>(
  document: Document,
  schema: T,
  knownKeys: readonly string[],
): z.output<T> {
  const result = schema.safeParse(document.value);
  if (result.success) return result.data;
  throw invalid(...describe(document, result.error.issues, knownKeys));
}

function describe(document: Document, issues: readonly z.core.$ZodIssue[], known: readonly string[]): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = issue.path as JsonPath;
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => problem(document, [...path, key], `unknown key${didYouMean(key, known)}`));
      // Of the branches of a union, the one that came furthest has the most to say.
      case 'invalid_union': {
        const branch = issue.errors.toSorted((a, b) => rank(b) - rank(a))[0];
        if (!branch?.length) break;
        return describe(
          document,
          branch.map((inner) => ({ ...inner, path: [...path, ...inner.path] })) as never,
          known,
        );
      }
      case 'invalid_key':
        return [problem(document, path, issue.issues[0]?.message ?? issue.message)];
      case 'invalid_value': {
        const value = valueAt(document.value, path);
        if (typeof value !== 'string' || issue.values.length < 2) break;
        const allowed = issue.values.map(String);
        const meant = didYouMean(value, allowed) || `; write one of ${allowed.join(', ')}`;
        return [problem(document, path, `${quote(value)} is not known here${meant}`)];
      }
    }
    return [problem(document, path, issue.message)];
  });
}

function problem(document: Document, path: JsonPath, message: string): Problem {
  return { file: document.name, line: document.line(path), path: formatPath(path) || '(top level)', message };
}

function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

/** How much the issues of one branch of a union have to say: our own words most, that another literal was not meant least. */
function rank(issues: readonly z.core.$ZodIssue[]): number {
  const ranks: Partial<Record<z.core.$ZodIssue['code'], number>> = { custom: 4, invalid_format: 2, invalid_type: 1 };
  return Math.max(
    ...issues.map((issue) => {
      if (issue.path.length > 0) return 3;
      return issue.code === 'invalid_union' ? Math.max(0, ...issue.errors.map(rank)) : (ranks[issue.code] ?? 0);
    }),
  );
}

function valueAt(value: unknown, path: JsonPath): unknown {
  return path.reduce((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
