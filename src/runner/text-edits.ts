/** One change of a text: at `at` (UTF-16 units, counted in the text before any change) `removed` becomes `inserted`. */
export interface Edit {
  readonly at: number;
  readonly removed: string;
  readonly inserted: string;
}

/** @param edits in the order of the text. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let position = 0;
  for (const { at, removed, inserted } of edits) {
    result += text.slice(position, at) + inserted;
    position = at + removed.length;
  }
  return result + text.slice(position);
}

/**
 * Takes edits back. Where the text has changed since, what was inserted is looked for, and taken back if it stands there once.
 * @returns undefined when it does not.
 */
export function takeBack(text: string, edits: readonly Edit[]): string | undefined {
  let result = text;
  let position = 0;
  let moved = 0;
  for (const { at, removed, inserted } of edits) {
    let found = at + moved;
    if (!result.startsWith(inserted, found) || found < position) {
      found = result.indexOf(inserted, position);
      if (found < 0 || result.indexOf(inserted, found + 1) >= 0) return undefined;
    }
    result = result.slice(0, found) + removed + result.slice(found + inserted.length);
    position = found + removed.length;
    moved = found - at;
  }
  return result;
}

export function insertion(at: number, eol: string, lines: readonly string[]): Edit {
  return { at, removed: '', inserted: joined(eol, lines) };
}

export function replacement(text: string, [from, to]: readonly [number, number], inserted: string): Edit {
  return { at: from, removed: text.slice(from, to), inserted };
}

/** Lines to stand after what ends without a line end. */
export function joined(eol: string, lines: readonly string[]): string {
  return lines.map((line) => `${eol}${line}`).join('');
}

/** Before the line's own end, a comment included. What stands between a value and a comment holds no line end. */
export function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  if (end < 0) return text.length;
  return text[end - 1] === '\r' ? end - 1 : end;
}
