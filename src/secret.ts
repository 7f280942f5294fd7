import { inspect } from 'node:util';

const shown = '[secret]';

/** Keeps a value out of logs, JSON and debuggers' output: it is seen where it is asked for by name, and nowhere else. */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toJSON(): string {
    return shown;
  }

  toString(): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}
