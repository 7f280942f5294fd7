import type { Piece } from './log-lines.ts';

/** The last thing a failed stage says, in up to three lines (runner/job-log.ts, describeFailure). */
export interface DriverError {
  readonly code: string;
  /** Its message; empty when that line is missing. */
  readonly message: Piece;
}

/** In GitLab Runner's own log, what cleanup says is a warning with fields after it. */
const beginning = '(?:WARNING: )?bulkhead: ';
const messageLine = new RegExp(`^${beginning}ERROR: (.*)$`);
const fixLine = new RegExp(`^${beginning}Fix: `);
const codeLine = new RegExp(`^${beginning}\\(([a-z-]{1,40}): [^;]{1,80}; docs/errors\\.md#([a-z-]{1,40})\\)`);
const terminatedLine = new RegExp(`^${beginning}GitLab Runner ended this stage: .*\\(terminated\\)$`);

/** Puts the lines of errors together. */
export class DriverErrorReader {
  #message: Piece | undefined;
  #lines = 0;

  /**
   * @returns the error that this piece completes; `pending` for a line of one that may follow; undefined for anything else,
   *   with what `abandoned` then holds.
   */
  take(piece: Piece): DriverError | 'pending' | undefined {
    const { text } = piece;
    const message = messageLine.exec(text)?.[1];
    if (message !== undefined && this.#message === undefined) {
      this.#message = { text: message, line: piece.line };
      this.#lines = 1;
      return 'pending';
    }
    const [, code, anchor] = codeLine.exec(text) ?? [];
    if (code !== undefined && code === anchor) return this.#complete(code, piece);
    if (terminatedLine.test(text)) return this.#complete('terminated', piece);
    if (this.#lines === 1 && fixLine.test(text)) {
      this.#lines = 2;
      return 'pending';
    }
    return undefined;
  }

  /** The message that no code followed, such as that of bin/bulkhead; forgets it. */
  abandoned(): Piece | undefined {
    const message = this.#message;
    this.#message = undefined;
    this.#lines = 0;
    return message && { text: `bulkhead: ERROR: ${message.text}`, line: message.line };
  }

  #complete(code: string, piece: Piece): DriverError {
    const message = code === 'terminated' ? piece : (this.#message ?? { text: '', line: piece.line });
    this.#message = undefined;
    this.#lines = 0;
    return { code, message };
  }
}
