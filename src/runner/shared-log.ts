import { setTimeout as sleep } from 'node:timers/promises';
import { writeOutput } from './output.ts';
import type { WriteOutput } from './output-limit.ts';

const glanceMs = 50;

/**
 * The job log, when others than the stage's script have something to say in it: whoever writes does so in turn, and lines of
 * others come between lines of the stage's, not within them.
 */
export class SharedLog {
  readonly #write: WriteOutput;
  #turn: Promise<unknown> = Promise.resolve();
  #lineIsOpen = false;

  constructor(write: WriteOutput = writeOutput) {
    this.#write = write;
  }

  /** What the stage writes: passed on as it is, in its order. */
  readonly stage: WriteOutput = (stream, data) =>
    this.#inTurn(async () => {
      await this.#write(stream, data);
      if (data.length > 0) this.#lineIsOpen = data.at(-1) !== 0x0a;
    });

  /**
   * Writes lines of others as soon as the stage has ended its own, or after `patienceMs` on a new line.
   * @param lines each with its end.
   */
  async others(lines: Uint8Array, patienceMs: number): Promise<void> {
    const deadline = performance.now() + patienceMs;
    const written = () =>
      this.#inTurn(async () => {
        if (this.#lineIsOpen && performance.now() < deadline) return false;
        if (this.#lineIsOpen) await this.#write('stdout', Buffer.from('\n'));
        this.#lineIsOpen = false;
        await this.#write('stdout', lines);
        return true;
      });
    while (!(await written())) await sleep(glanceMs);
  }

  /** One after the other, in the order of the calls; one that fails is its caller's affair. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }
}
