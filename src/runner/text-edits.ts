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
    if (!standsAt(result, inserted, found) || found < position) {
      found = find(result, inserted, position);
      if (found < 0 || find(result, inserted, found + 1) >= 0) return undefined;
    }
    result = result.slice(0, found) + removed + result.slice(found + inserted.length);
    position = found + removed.length;
    moved = found - at;
  }
  return result;
}

function find(text: string, inserted: string, from: number): number {
  let found = text.indexOf(inserted, from);
  while (found >= 0 && !standsAt(text, inserted, found)) found = text.indexOf(inserted, found + 1);
  return found;
}

/** Whether it stands there as whole lines, but for a comment behind it: `x = 80` does not stand where `x = 800` does. */
function standsAt(text: string, inserted: string, at: number): boolean {
  if (!text.startsWith(inserted, at)) return false;
  const before = /^\r?\n/.test(inserted) ? '' : text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  const after = inserted.endsWith('\n') ? '' : text.charAt(at + inserted.length);
  return /^[ \t]*$/.test(before) && /^[\r\n \t#]?$/.test(after);
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
