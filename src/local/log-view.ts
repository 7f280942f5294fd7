import { stripVTControlCharacters } from 'node:util';

// biome-ignore lint/suspicious/noControlCharactersInRegex: the markers consist of them
const marker = /section_(?:start|end):\d+:[^\r\n]*?\r\x1b\[0K/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours, which are all that a job may do to a terminal
const colour = /(\x1b\[[0-9;]*m)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is left of them, but for tabs
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** What has no end of line by then is shown as it is. */
const longestLine = 64 * 1024;

export interface LogOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Shows a job log line by line as GitLab's page does: without the section markers, and in colour only on a terminal. */
export class LogView {
  readonly #output: LogOutput;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(output: LogOutput) {
    this.#output = output;
  }

  write(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#show(`${line}\n`);
    if (this.#rest.length > longestLine) {
      this.#show(this.#rest);
      this.#rest = '';
    }
  }

  end(): void {
    if (this.#rest !== '') this.#show(`${this.#rest}\n`);
  }

  #show(line: string): void {
    const parts = line.replaceAll(marker, '').split(colour);
    const coloured = this.#output.isTTY === true;
    const shown = parts.map((part, index) => {
      if (index % 2 === 1) return coloured ? part : '';
      return stripVTControlCharacters(part).replaceAll(control, '');
    });
    this.#output.write(shown.join(''));
  }
}
