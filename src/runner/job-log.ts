import type { BulkheadError } from '../errors.ts';
import { type OutputStream, writeOutput } from './output.ts';

/**
 * Makes text that a job, an image or a registry chose safe to print: control characters, which could move the cursor or
 * forge lines of the log, become visible escapes; overlong text is cut.
 */
export function escapeForeign(text: string, limit = 500): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}… (${text.length} characters)` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** A foreign line of any length: tabs are what they are, anything else that could move the cursor is shown. */
export function printableLine(line: string): string {
  return line
    .split('\t')
    .map((part) => escapeForeign(part, Number.POSITIVE_INFINITY))
    .join('\t');
}

/** One line of our own in the job log. */
export async function logLine(text: string, stream: OutputStream = 'stdout'): Promise<void> {
  await writeOutput(stream, Buffer.from(`${text}\n`));
}

/** The last thing a failed stage says: what, why, fix, code. Of a job that was canceled nothing failed, and nothing needs a fix. */
export function describeFailure(error: BulkheadError): string {
  if (error.code === 'terminated') return `bulkhead: ${escapeForeign(error.message, 2000)} (${error.code})`;
  const who = {
    job: 'the job cannot run like this',
    operator: "this host's set-up, not the job's fault",
    system: "system failure, not the job's fault",
  }[error.blame];
  return [
    `bulkhead: ERROR: ${escapeForeign(error.message, 2000)}`,
    `bulkhead: Fix: ${escapeForeign(error.hint, 2000)}`,
    `bulkhead: (${error.code}: ${who}; docs/errors.md#${error.code})`,
  ].join('\n');
}
