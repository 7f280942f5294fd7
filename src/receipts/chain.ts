import { createHash } from 'node:crypto';

/** The file that is appended to. Full ones are called `receipts-<sequence of their first record>.jsonl`. */
export const currentFile = 'receipts.jsonl';

/** A place in the chain: the last record, and what the next one has to name as `previous`. */
export interface Head {
  readonly sequence: number;
  /** SHA-256 of the record's line without its line feed, in hex. */
  readonly hash: string;
}

/** Before the first record. */
export const genesis: Head = { sequence: 0, hash: '0'.repeat(64) };

/**
 * What stood between the record before and this one: writes that were cut off, by SIGKILL, a full disk, or a power cut. All
 * bytes up to the beginning of the record's line, line feeds included.
 */
export interface Torn {
  readonly bytes: number;
  readonly sha256: string;
}

/** What every line begins with. */
export interface Header {
  readonly sequence: number;
  readonly previous: string;
  readonly torn: Torn | undefined;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * A record's line, without a line feed. Pure ASCII: what jobs and images call things can hold characters that would move a
 * terminal's cursor or turn its text around, and receipts are read with whatever is at hand.
 */
export function formatLine(before: Head, time: Date, record: object, torn?: Torn): string {
  const header = {
    schemaVersion: 1,
    sequence: before.sequence + 1,
    previous: before.hash,
    time: time.toISOString(),
    ...(torn && { torn }),
  };
  // The header again, so that no field of the record takes the place of one of ours.
  return JSON.stringify({ ...header, ...record, ...header }).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** undefined for anything that is no record's whole line; no piece of one is JSON. */
export function readHeader(line: Uint8Array): Header | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(line).toString());
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  const { schemaVersion, sequence, previous, torn } = json as Record<string, unknown>;
  if (schemaVersion !== 1 || !isCount(sequence) || sequence === 0 || !isHash(previous)) return undefined;
  if (torn === undefined) return { sequence, previous, torn };
  const { bytes, sha256: hash } = Object(torn) as Record<string, unknown>;
  return isCount(bytes) && isHash(hash) ? { sequence, previous, torn: { bytes, sha256: hash } } : undefined;
}

export function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export interface ReceiptFile {
  readonly name: string;
  /** The sequence of its first record, as the name of a full one says; undefined for the current one. */
  readonly first: number | undefined;
}

/** The receipt files among a folder's names, oldest first. */
export function receiptFiles(names: readonly string[]): ReceiptFile[] {
  const full = names
    .map((name) => ({ name, first: Number(/^receipts-([1-9]\d{0,14})\.jsonl$/.exec(name)?.[1]) }))
    .filter(({ first }) => !Number.isNaN(first))
    .sort((a, b) => a.first - b.first);
  return names.includes(currentFile) ? [...full, { name: currentFile, first: undefined }] : full;
}

export function fullFile(first: number): string {
  return `receipts-${first}.jsonl`;
}
