import { BulkheadError } from '../errors.ts';

/** What a stage must know of its policy's limits; null is unlimited. Bytes, but for `pids`. */
export interface Limits {
  /** Output of one stage. */
  readonly log: number | null;
  /** What the job holds on disk. */
  readonly disk: number | null;
  readonly memory: number | null;
  readonly pids: number | null;
}

const names = ['log', 'disk', 'memory', 'pids'] as const;

export const unlimited: Limits = { log: null, disk: null, memory: null, pids: null };

/**
 * The text of the label. Stages find the limits here and not in the policies: those may have changed since the job was
 * prepared.
 */
export function limitsLabel(limits: Limits): string {
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, limits[name]])));
}

/**
 * Reads the label's text.
 * @throws BulkheadError `internal-error` when they are not there or not ours: without them no limit would hold.
 */
export function parseLimits(text: string | undefined): Limits {
  let found: unknown;
  try {
    found = JSON.parse(text ?? '');
  } catch {
    throw unreadable(text);
  }
  if (typeof found !== 'object' || found === null) throw unreadable(text);
  const limits = found as Record<string, unknown>;
  for (const name of names) {
    const value = limits[name];
    if (value !== null && !(Number.isSafeInteger(value) && Number(value) >= 0)) throw unreadable(text);
  }
  return { ...unlimited, ...Object.fromEntries(names.map((name) => [name, limits[name]])) };
}

function unreadable(text: string | undefined): BulkheadError {
  return new BulkheadError(
    'internal-error',
    `the job's sandbox carries no limits that this driver can read (${text === undefined ? 'no label' : text.slice(0, 200)})`,
    'Was the driver replaced while the job ran? Then retry the job.',
  );
}
