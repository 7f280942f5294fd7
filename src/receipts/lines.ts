import type { FileHandle } from 'node:fs/promises';
import { type Head, readHeader, sha256 } from './chain.ts';

const lineFeed = 0x0a;
const chunkBytes = 64 * 1024;
/** No record is longer, so neither is what has to be held in memory. */
export const longestLine = 1024 * 1024;

/** A line, or, when it is longer than any record, a piece of it. */
export interface Line {
  /** Without the line feed. */
  readonly bytes: Buffer;
  readonly whole: boolean;
  /** Whether a line feed follows. */
  readonly ended: boolean;
}

/** The lines in the first `size` bytes of a file, from `start` on. */
export async function* readLines(file: FileHandle, size: number, start = 0): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0);
  let whole = true;
  // Not a stream: one that is left before its end would close the file.
  for (let position = start; position < size; ) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, size - position));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    const read = chunk.subarray(0, bytesRead);
    let data = rest.length === 0 ? read : Buffer.concat([rest, read]);
    for (let end = data.indexOf(lineFeed); end !== -1; end = data.indexOf(lineFeed)) {
      yield { bytes: data.subarray(0, end), whole, ended: true };
      whole = true;
      data = data.subarray(end + 1);
    }
    rest = data;
    if (rest.length > longestLine) {
      whole = false;
      yield { bytes: rest, whole, ended: false };
      rest = Buffer.alloc(0);
    }
  }
  if (rest.length > 0) yield { bytes: rest, whole, ended: false };
}

/** How a file ends. */
export interface Tail {
  /** Its last record; undefined when it has none. */
  readonly last: Head | undefined;
  /** Whether the last record's line feed is there. Without it the record is whole all the same. */
  readonly ended: boolean;
  /** What follows the last record and its line feed: writes that were cut off. */
  readonly torn: Buffer;
}

/** Reads backwards from `size` until there is a record, which as a rule is at once. */
export async function readTail(file: FileHandle, size: number): Promise<Tail> {
  let data: Buffer = Buffer.alloc(0);
  // All from here on is no record.
  let end = size;
  for (let start = size; start > 0; ) {
    // Twice as much each time, so that what was read is not copied again and again.
    const length = Math.min(Math.max(chunkBytes, data.length), start);
    start -= length;
    const chunk = Buffer.alloc(length);
    const { bytesRead } = await file.read(chunk, 0, length, start);
    if (bytesRead !== length) throw new Error('the file is shorter than it was');
    data = Buffer.concat([chunk, data]);
    while (end > start) {
      const ended = data[end - start - 1] === lineFeed;
      const stop = ended ? end - 1 : end;
      const feed = stop === start ? -1 : data.lastIndexOf(lineFeed, stop - start - 1);
      // The line begins before what has been read.
      if (feed === -1 && start > 0) break;
      const begin = start + feed + 1;
      const line = data.subarray(begin - start, stop - start);
      const header = readHeader(line);
      if (header !== undefined) {
        return { last: { sequence: header.sequence, hash: sha256(line) }, ended, torn: data.subarray(end - start) };
      }
      end = begin;
    }
  }
  return { last: undefined, ended: true, torn: data };
}
