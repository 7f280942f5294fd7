import {
  createScanner,
  findNodeAtLocation,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import type { JsonPath } from './json-path.ts';
import { formatPath } from './json-path.ts';
import { invalid } from './problem.ts';

/** A JSON file that remembers where its values stand. */
export interface Document {
  /** The file's own name, as logs show it: job authors need not know where the host keeps it. */
  readonly name: string;
  readonly value: unknown;
  /** The line (from 1) on which the value at `path` stands; of its nearest parent when there is no such value. */
  line(path: JsonPath): number;
}

/** Far more than any of our files needs, and far less than what the parsers' recursion can take. */
const deepest = 32;

/** @throws BulkheadError `policy-invalid` when the text is not JSON, or names a key twice. */
export function parseDocument(name: string, text: string): Document {
  const refuse = (offset: number, message: string, path = '') =>
    invalid({ file: name, line: lineAt(text, offset), path, message });
  const tooDeep = firstTooDeep(text);
  if (tooDeep !== undefined) throw refuse(tooDeep, `more than ${deepest} objects and lists within each other`);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true });
  const [first] = errors;
  if (first !== undefined) throw refuse(first.offset, `not JSON: ${printParseErrorCode(first.error)}`);
  if (root === undefined) throw refuse(0, 'not JSON: it is empty');
  const bad = badKey(root, []);
  if (bad !== undefined) throw refuse(bad.offset, bad.why, formatPath(bad.path));
  return {
    name,
    value: parseValue(text, (why) => refuse(0, `not JSON: ${why}`)),
    line: (path) => {
      for (let length = path.length; length > 0; length--) {
        const node = findNodeAtLocation(root, path.slice(0, length));
        // A key's value may begin on a later line than the key; the key is what one looks for.
        if (node !== undefined) return lineAt(text, (node.parent?.type === 'property' ? node.parent : node).offset);
      }
      return 1;
    },
  };
}

/** Not jsonc-parser's own reading of it, which takes a key named __proto__ for the prototype. */
function parseValue(text: string, refuse: (why: string) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refuse((cause as Error).message);
  }
}

/** Both parsers recurse; a scanner does not. */
function firstTooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  // SyntaxKind: 1 {, 2 }, 3 [, 4 ], 17 end of file (a const enum, which this build cannot import).
  for (let token: number = scanner.scan(); token !== 17; token = scanner.scan()) {
    if (token === 1 || token === 3) depth++;
    if (token === 2 || token === 4) depth--;
    if (depth > deepest) return scanner.getTokenOffset();
  }
  return undefined;
}

/** A key that stands twice in its object, or that would be taken for JavaScript's own. */
function badKey(node: Node, path: JsonPath): { path: JsonPath; offset: number; why: string } | undefined {
  const seen = new Set<string>();
  for (const [index, child] of (node.children ?? []).entries()) {
    const [key, value] = node.type === 'object' ? (child.children ?? []) : [undefined, child];
    const name: string | number = key === undefined ? index : String(key.value);
    const here = [...path, name];
    if (typeof name === 'string') {
      if (name === '__proto__') return { path: here, offset: child.offset, why: 'unknown key' };
      if (seen.has(name)) return { path: here, offset: child.offset, why: 'is there twice' };
      seen.add(name);
    }
    const inner = value === undefined ? undefined : badKey(value, here);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let index = text.indexOf('\n'); index >= 0 && index < offset; index = text.indexOf('\n', index + 1)) line++;
  return line;
}
