import { BulkheadError } from '../errors.ts';
import { escapeForeign } from '../runner/job-log.ts';
import { writeOutput } from '../runner/output.ts';

/** A result, for stdout. Its reader may have seen enough, as in `… | head -1`: the exit code still tells. */
export async function printResult(text: string): Promise<void> {
  try {
    await writeOutput('stdout', Buffer.from(`${text}\n`));
  } catch (error) {
    if (!isBrokenPipe(error)) throw error;
  }
}

/** What else there is to say, for stderr. */
export async function printNote(text: string): Promise<void> {
  await writeOutput('stderr', Buffer.from(`${text}\n`)).catch(() => {});
}

/** A line that may hold text of files. */
export function line(text: string): string {
  return escapeForeign(text, 4000);
}

export function count(number: number, what: string): string {
  const plural = what.endsWith('y') ? `${what.slice(0, -1)}ies` : `${what}s`;
  return `${number} ${number === 1 ? what : plural}`;
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof BulkheadError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE';
}
