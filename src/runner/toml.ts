import { type AST, getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';

/** A TOML text, as its parser sees it: the nodes with their places in it, and the value. */
export interface Toml {
  readonly top: AST.TOMLTopLevelTable;
  readonly value: Record<string, unknown>;
}

/**
 * Reads GitLab Runner's config.toml.
 * @throws Error that says where it is no TOML. The parser's own quotes what it read, and there are tokens in the file: that is its `cause`.
 */
export function parseToml(text: string): Toml {
  try {
    const program = parseTOML(text, { tomlVersion: '1.0' });
    return { top: program.body[0], value: getStaticTOMLValue(program) as Record<string, unknown> };
  } catch (cause) {
    const { lineNumber } = cause as { lineNumber?: number };
    throw new Error(`it is not TOML${lineNumber === undefined ? '' : ` at line ${lineNumber}`}`, { cause });
  }
}
