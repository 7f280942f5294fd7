import { ExecaError } from 'execa';
import { BulkheadError } from '../errors.ts';

/** What keeps init from going on, for somebody to put right. */
export function impossible(message: string, cause?: unknown): BulkheadError {
  return new BulkheadError('init-impossible', message, 'Put that right, then run init again: it goes on here.', {
    cause,
  });
}

/**
 * Does what programs of the host take part in.
 * @throws BulkheadError `init-impossible` with the last words of a program that failed; what else was thrown, as it is.
 */
export async function withPrograms<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    throw impossible(`${what}: ${error.shortMessage}: ${lastLines(error.stderr)}`, error);
  }
}

export function lastLines(output: unknown): string {
  return String(output ?? '')
    .trim()
    .split('\n')
    .slice(-5)
    .join(' / ');
}
