import { Masker } from './masker.ts';

const clearLine = '\x1b[0K';
const plain = '\x1b[0;m';

export interface TraceOptions {
  /** Bytes after which the log is cut, as the runner's output_limit does (default 4 MiB). */
  readonly limit?: number;
  /** Gets every piece of the log as it comes. */
  readonly onChunk?: ((chunk: Buffer) => void) | undefined;
}

/** The job log as GitLab would get it: the runner's own lines and both output streams, masked, cut at a limit. */
export class Trace {
  readonly #limit: number;
  readonly #onChunk: ((chunk: Buffer) => void) | undefined;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #phrases: readonly string[] = [];

  constructor(options: TraceOptions = {}) {
    this.#limit = options.limit ?? 4 * 1024 * 1024;
    this.#onChunk = options.onChunk;
  }

  /** From now on these phrases become [MASKED]. */
  mask(phrases: readonly string[]): void {
    this.#phrases = phrases;
  }

  /** The log so far. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  /** A sink for one output stream of one process, with a masker of its own. Call end() when the stream has ended. */
  stream(): { write: (chunk: Buffer) => void; end: () => void } {
    const masker = new Masker(this.#phrases);
    return {
      write: (chunk) => this.#append(masker.write(chunk)),
      end: () => this.#append(masker.end()),
    };
  }

  print(text: string): void {
    this.#line(clearLine, text);
  }

  info(text: string): void {
    this.#line('\x1b[32;1m', text);
  }

  warning(text: string): void {
    this.#line('\x1b[0;33mWARNING: ', text);
  }

  error(text: string): void {
    this.#line('\x1b[31;1mERROR: ', text);
  }

  /** Runs `body` between the markers that make a collapsible section of the log. */
  async section<T>(name: string, shown: boolean, body: () => Promise<T>): Promise<T> {
    const marker = (edge: string): void => {
      if (shown) this.#raw(`section_${edge}:${Math.floor(Date.now() / 1000)}:${name}\r${clearLine}`);
    };
    marker('start');
    try {
      return await body();
    } finally {
      marker('end');
    }
  }

  #line(prefix: string, text: string): void {
    this.#raw(`${prefix}${text}${plain}\n`);
  }

  #raw(text: string): void {
    const stream = this.stream();
    stream.write(Buffer.from(text));
    stream.end();
  }

  #append(chunk: Buffer): void {
    const room = this.#limit - this.#bytes;
    if (chunk.length === 0 || room <= 0) return;
    if (chunk.length < room) {
      this.#keep(chunk);
      return;
    }
    this.#keep(chunk.subarray(0, room));
    this.#keep(
      Buffer.from(
        `\n\x1b[33;1mJob's log exceeded limit of ${this.#limit} bytes.\n` +
          `Job execution will continue but no more output will be collected.${plain}\n`,
      ),
    );
  }

  #keep(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    this.#onChunk?.(chunk);
  }
}
