import { once } from 'node:events';
import { connect } from 'node:net';

/** Counts in a Redis, which keeps the number between two runs of a program. */
export class Counter {
  #socket;
  #key;

  constructor(socket, key) {
    this.#socket = socket;
    this.#key = key;
  }

  static async open(host, key) {
    const socket = connect(6379, host);
    await once(socket, 'connect');
    return new Counter(socket, key);
  }

  async increment() {
    return Number((await this.#ask('INCR', this.#key)).slice(1));
  }

  async reset() {
    await this.#ask('DEL', this.#key);
  }

  close() {
    this.#socket.end();
  }

  /** One command, and the one line that Redis answers. */
  async #ask(...words) {
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#socket.write(`*${words.length}\r\n${parts.join('')}`);
    const [answer] = await once(this.#socket, 'data');
    return String(answer).trimEnd();
  }
}
