import { crc32 } from 'node:zlib';

/** What the server has of a job's trace, and what it answers to the next piece (GitLab's lib/api/ci/runner.rb). */
export class TraceStore {
  #text = Buffer.alloc(0);

  get size(): number {
    return this.#text.length;
  }

  get text(): string {
    return this.#text.toString();
  }

  /** As the runner says it: `crc32:` and eight hexadecimal digits. */
  get checksum(): string {
    return `crc32:${crc32(this.#text).toString(16).padStart(8, '0')}`;
  }

  /** 202 when the piece continues the trace, 416 when it starts elsewhere, 400 when its range is not its own. */
  append(contentRange: string | undefined, piece: Buffer): 202 | 400 | 416 {
    const [, start, end] = /^(\d+)-(\d+)$/.exec(contentRange ?? '') ?? [];
    if (start === undefined || Number(end) - Number(start) + 1 !== piece.length) return 400;
    if (Number(start) !== this.size) return 416;
    this.#text = Buffer.concat([this.#text, piece]);
    return 202;
  }
}
