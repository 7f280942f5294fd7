const mask = Buffer.from('[MASKED]');

/** Replaces secret phrases in a stream of bytes, also where a phrase is cut by a chunk's end (common/buildlogger). */
export class Masker {
  readonly #phrases: readonly Buffer[];
  #held: Buffer = Buffer.alloc(0);

  /** Longer phrases win over shorter ones that they contain. Empty phrases are ignored. */
  constructor(phrases: readonly string[]) {
    const unique = [...new Set(phrases)].filter((phrase) => phrase !== '');
    this.#phrases = unique.map((phrase) => Buffer.from(phrase)).sort((a, b) => b.length - a.length);
  }

  /** The masked form of what can be decided by now; a tail that may be the start of a phrase is held back. */
  write(chunk: Buffer): Buffer {
    if (this.#phrases.length === 0) return chunk;
    const text = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    return this.#mask(text, this.#undecidedFrom(text));
  }

  /** What was held back. Call once, at the end of the stream. */
  end(): Buffer {
    return this.#mask(this.#held, this.#held.length);
  }

  #undecidedFrom(text: Buffer): number {
    let start = text.length;
    for (const phrase of this.#phrases) {
      const from = Math.max(0, text.length - phrase.length + 1);
      for (let at = from; at < start; at++) {
        const tail = text.subarray(at);
        if (phrase.subarray(0, tail.length).equals(tail)) start = at;
      }
    }
    return start;
  }

  #mask(text: Buffer, end: number): Buffer {
    const parts: Buffer[] = [];
    const next = this.#phrases.map((phrase) => text.indexOf(phrase));
    let at = 0;
    while (at < end) {
      const found = this.#nextPhrase(text, next, at);
      if (!found || found.start >= end) break;
      parts.push(text.subarray(at, found.start), mask);
      at = found.end;
    }
    parts.push(text.subarray(at, Math.max(at, end)));
    this.#held = Buffer.from(text.subarray(Math.max(at, end)));
    return Buffer.concat(parts);
  }

  /** The earliest phrase at or after `at`; of several that begin there, the longest. */
  #nextPhrase(text: Buffer, next: number[], at: number): { start: number; end: number } | undefined {
    let best: { start: number; end: number } | undefined;
    for (const [index, phrase] of this.#phrases.entries()) {
      let start = next[index] ?? -1;
      if (start >= 0 && start < at) {
        start = text.indexOf(phrase, at);
        next[index] = start;
      }
      if (start >= 0 && (!best || start < best.start)) best = { start, end: start + phrase.length };
    }
    return best;
  }
}
