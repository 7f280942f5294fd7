import { many, type Sequence, type Work } from './glob-sequence.ts';

/** What the pieces of a glob between two slashes say of the characters of a name. */
export function nameSequence(pieces: readonly string[], work: Work): Sequence<string> {
  // Of several * in a row one says it all.
  const few = pieces.filter((piece, index) => piece !== '*' || pieces[index - 1] !== '*');
  return few.map((piece) => wanted(piece, work));
}

function wanted(piece: string, work: Work): Sequence<string>[number] {
  if (piece === '*') return many;
  if (piece === '?') return () => true;
  if (piece.startsWith('[')) return inClass(piece.slice(1, -1), work);
  const literal = piece.replace(/^\\/, '');
  return (character) => character === literal;
}

/** @param members such as `a-z_`, `!a-z` or `^a-z`. */
function inClass(members: string, work: Work): (character: string) => boolean {
  const isNegated = /^[!^]/.test(members);
  const ranges = [...members.slice(isNegated ? 1 : 0).matchAll(/(\\.|.)(?:-(\\.|.))?/gsu)].map(
    ([, first = '', last]) => [codeOf(first), codeOf(last ?? first)],
  );
  return (character) => {
    const code = codeOf(character);
    work.left -= ranges.length;
    return ranges.some(([first = 0, last = 0]) => first <= code && code <= last) !== isNegated;
  };
}

/** Of a character that may be escaped. */
function codeOf(text: string): number {
  return text.codePointAt(text.length > 1 && text.startsWith('\\') ? 1 : 0) ?? 0;
}
