import { formatSize } from '../policy/units.ts';
import { printableLine } from '../runner/job-log.ts';

/** Characters of one service at a time. */
const mostAtOnce = 256 * 1024;

/** Each line with the service's name before it, as the job log shows them; of too many the last. Pure. */
export function printableLines(name: string, lines: readonly string[], limit = mostAtOnce): string {
  const prefix = `[service:${name}]`;
  const shown: string[] = [];
  let length = 0;
  for (const line of lines.toReversed()) {
    const text = `${prefix} ${printableLine(line.replace(/\r$/, ''))}`;
    length += text.length + 1;
    if (length > limit && shown.length > 0) break;
    shown.push(text.length > limit ? `${text.slice(0, limit)}…\n` : `${text}\n`);
  }
  const left = lines.length - shown.length;
  if (left > 0) shown.push(`${prefix} (${left} ${left === 1 ? 'line' : 'lines'} left out)\n`);
  return shown.reverse().join('');
}

/** So many bytes of whole lines, and then one line that says so. */
export class LogBudget {
  readonly #limit: number | null;
  readonly #rule: string;
  #left: number;
  #spent = false;

  /**
   * @param limit null for none.
   * @param rule who set it, as the job's author may read it.
   */
  constructor(limit: number | null, rule: string) {
    this.#limit = limit;
    this.#rule = rule;
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }

  get isSpent(): boolean {
    return this.#spent;
  }

  /** What may be shown of some lines. */
  take(lines: string): Buffer {
    const bytes = Buffer.from(this.#spent ? '' : lines);
    this.#left -= bytes.length;
    if (this.#left >= 0 || this.#spent) return bytes;
    this.#spent = true;
    const fits = bytes.subarray(0, bytes.lastIndexOf('\n', bytes.length + this.#left - 1) + 1);
    const size = formatSize(this.#limit ?? 0);
    const notice = `bulkhead: services' logs cut here, after ${size} in this stage (limits.log of ${this.#rule})\n`;
    return Buffer.concat([fits, Buffer.from(notice)]);
  }
}
