import { stripVTControlCharacters } from 'node:util';

// biome-ignore lint/suspicious/noControlCharactersInRegex: the markers consist of them
const marker = /section_(?:start|end):\d+:[^\r\n]*?\r\x1b\[0K/g;

/** Shows a job log line by line as GitLab's page does: without the section markers, and in colour only on a terminal. */
export class LogView {
  readonly #output: NodeJS.WriteStream;
  #rest = '';

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  write(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString()).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#show(`${line}\n`);
  }

  end(): void {
    if (this.#rest !== '') this.#show(`${this.#rest}\n`);
  }

  #show(line: string): void {
    const text = line.replaceAll(marker, '');
    this.#output.write(this.#output.isTTY ? text : stripVTControlCharacters(text));
  }
}
