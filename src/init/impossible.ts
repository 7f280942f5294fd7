import { BulkheadError } from '../errors.ts';

/** What keeps init from going on, for somebody to put right. */
export function impossible(message: string, cause?: unknown): BulkheadError {
  return new BulkheadError('init-impossible', message, 'Put that right, then run init again: it goes on here.', {
    cause,
  });
}
