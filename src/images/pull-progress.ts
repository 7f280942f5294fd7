import { describeBytes } from '../runner/describe-bytes.ts';
import type { PullEvent } from './pull-stream.ts';

/** A manifest may list as many layers as its author likes; so many are told apart. */
const mostLayers = 1000;

/** Sums up what a pull's events say, for a plain line now and then. Pure but for the times that it is given, in milliseconds. */
export class PullProgress {
  readonly #began: number;
  readonly #bytes = new Map<string, number>();
  #layers = 0;
  #lastAt: number;
  #lastBytes = 0;
  /** When bytes last came. */
  #movedAt: number;
  /** What the last event named; when the stream ended well, that was the image. */
  lastId: string | undefined;

  constructor(now: number) {
    this.#began = now;
    this.#lastAt = now;
    this.#movedAt = now;
  }

  add(event: PullEvent, now: number): void {
    if (event.kind === 'other' || event.kind === 'failure') {
      this.lastId = undefined;
      return;
    }
    this.lastId = event.kind === 'layer' && event.state === 'done' ? event.id : undefined;
    if (event.kind === 'layer') {
      if (event.state === 'done') this.#layers++;
      return;
    }
    const known = this.#bytes.get(event.id);
    if (known === undefined && this.#bytes.size >= mostLayers) return;
    if (event.current > (known ?? 0)) this.#movedAt = now;
    this.#bytes.set(event.id, event.current);
  }

  get bytes(): number {
    let sum = 0;
    for (const bytes of this.#bytes.values()) sum += bytes;
    return sum;
  }

  /** Since the line before: `12.3MiB so far, 1.2MiB/s, 20 s`. */
  line(now: number): string {
    const { bytes } = this;
    const seconds = (now - this.#lastAt) / 1000;
    const rate = seconds > 0 ? Math.max(bytes - this.#lastBytes, 0) / seconds : 0;
    const amount = bytes === 0 ? 'nothing yet' : `${describeBytes(bytes)} so far`;
    const still = now - this.#movedAt;
    // Podman says nothing while it unpacks, and nothing while a registry keeps it waiting.
    const pace = rate > 0 ? `${describeBytes(rate)}/s` : `no new bytes for ${describeSeconds(still)}`;
    const layers = this.#layers === 0 ? '' : `, ${this.#layers} ${this.#layers === 1 ? 'part' : 'parts'} done`;
    this.#lastAt = now;
    this.#lastBytes = bytes;
    return `${amount}${layers}, ${pace}, ${describeSeconds(now - this.#began)}`;
  }
}

export function describeSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}
