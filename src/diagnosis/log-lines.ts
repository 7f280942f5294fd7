import { StringDecoder } from 'node:string_decoder';

/** Characters; a longer line is looked at in pieces of this length. */
const longestPiece = 4096;

/** What is looked at: a line of the log, or what stands between two returns of its cursor. */
export interface Piece {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const breaks = /\r|\u001b\[0K/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const colours = /\u001b\[[0-9;?]{0,20}[A-Za-z]/g;
/** With FF_TIMESTAMPS, GitLab Runner puts time and stream before each line (common/buildlogger/internal/timestamper). */
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]{0,10}Z [0-9a-f]{2}[OE][ +]/;

/**
 * A log in pieces without colours and timestamps, the empty ones left out. GitLab Runner begins each of its own lines by
 * erasing the terminal's line, and its markers of sections with a return: what a job left without a line's end does not hide
 * them. Holds no more than a piece, however long the line.
 */
export async function* readPieces(log: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let line = 1;
  for await (const chunk of log) {
    const lines = (rest + decoder.write(Buffer.from(chunk))).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield* piecesOf(text, line++);
    while (rest.length > longestPiece) {
      yield* piecesOf(rest.slice(0, longestPiece), line);
      rest = rest.slice(longestPiece);
    }
  }
  yield* piecesOf(rest + decoder.end(), line);
}

function* piecesOf(line: string, number: number): Generator<Piece> {
  for (const part of line.replace(timestamp, '').split(breaks)) {
    const text = part.replace(colours, '').trim();
    for (let at = 0; at < text.length; at += longestPiece) {
      yield { text: text.slice(at, at + longestPiece), line: number };
    }
  }
}
