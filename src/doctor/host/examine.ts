import { BulkheadError } from '../../errors.ts';
import { type Check, type Finding, fail, skipped } from '../check.ts';
import { NotLookedAt } from './fact.ts';
import type { Host } from './host.ts';

/** Looks, whatever comes of it: one check that cannot be made must not keep the rest from being made. */
export async function examine(check: Check, host: Host): Promise<Finding> {
  try {
    return await check.look(host);
  } catch (error) {
    host.stop.throwIfAborted();
    if (error instanceof NotLookedAt) return skipped(error.message);
    if (error instanceof BulkheadError) return fail(error.message, error.hint);
    return fail(
      `it cannot be looked at: ${(error as Error).message}`,
      'Run the doctor as root; if it repeats, report it.',
    );
  }
}
