import { EventEmitter } from 'node:events';

/** Waits for what others change. Who changes something says so with `notify`. */
export class Changes {
  readonly #events = new EventEmitter().setMaxListeners(0);

  notify(): void {
    this.#events.emit('change');
  }

  /**
   * Fulfils when `predicate` holds. Rejects after `patienceMs`, which only ends a test that would hang: nothing is said about how
   * long anything may take.
   */
  async until(predicate: () => boolean, what: () => string, patienceMs = 180_000): Promise<void> {
    if (predicate()) return;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (predicate()) end(resolve);
      };
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#events.off('change', look);
        settle();
      };
      const timer = setTimeout(() => end(() => reject(new Error(`waited in vain: ${what()}`))), patienceMs);
      this.#events.on('change', look);
    });
  }
}
