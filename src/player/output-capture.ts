import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

export interface Captured {
  readonly data: Buffer;
  readonly bytes: number;
  readonly sha256: string | undefined;
}

/** Reads one output stream to its end: keeps it, or only counts and hashes it so that gigabytes cost no memory. */
export class OutputCapture {
  readonly #chunks: Buffer[] = [];
  readonly #hash = createHash('sha256');
  readonly #keep: boolean;
  readonly #waiting: { readonly text: string; readonly found: () => void }[] = [];
  #bytes = 0;

  constructor(stream: Readable | null, keep: boolean, onChunk: ((chunk: Buffer) => void) | undefined) {
    this.#keep = keep;
    // A stream that is destroyed under us (an abandoned process) ends the capture, nothing more.
    stream?.on('error', () => {});
    stream?.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      if (keep) this.#chunks.push(chunk);
      else this.#hash.update(chunk);
      this.#announce();
      onChunk?.(chunk);
    });
  }

  captured(): Captured {
    return {
      data: Buffer.concat(this.#chunks),
      bytes: this.#bytes,
      sha256: this.#keep ? undefined : this.#hash.copy().digest('hex'),
    };
  }

  /** Fulfils when the kept output contains the text; stays pending for ever when it never does. */
  contains(text: string): Promise<void> {
    return new Promise((found) => {
      this.#waiting.push({ text, found });
      this.#announce();
    });
  }

  #announce(): void {
    if (this.#waiting.length === 0) return;
    const output = Buffer.concat(this.#chunks);
    for (const { text, found } of this.#waiting) if (output.includes(text)) found();
  }
}
