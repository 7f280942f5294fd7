import { BulkheadError } from '../errors.ts';

/** Of all words together, in UTF-8. It is a label and an argument list: both are read often, and by more than us. */
const mostBytes = 16_384;
const mostWords = 256;

/**
 * What every script of the job's is started by: the words of the job where it names any, else those of its image. One empty
 * word means none, as for Docker and Podman.
 * @throws BulkheadError `entrypoint-invalid`.
 */
export function chooseEntrypoint(job: readonly string[], image: readonly string[]): readonly string[] {
  const [words, whose] = job.length > 0 ? [job, 'the job asks for'] : [image, 'the image has'];
  const [program, ...rest] = words;
  if (program === undefined || (program === '' && rest.length === 0)) return [];
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(word), 0);
  if (words.length > mostWords) throw invalid(whose, `has ${words.length} words, and ${mostWords} are the most`);
  if (bytes > mostBytes) throw invalid(whose, `is ${bytes} bytes long, and ${mostBytes} are the most`);
  if (program === '') throw invalid(whose, 'begins with an empty word, which is no program');
  if (words.some((word) => word.includes('\0'))) throw invalid(whose, 'has a NUL character in it');
  return words;
}

function invalid(whose: string, why: string): BulkheadError {
  return new BulkheadError(
    'entrypoint-invalid',
    `the entrypoint that ${whose} ${why}`,
    'Set "image: entrypoint:" of the job to a program and its arguments, or to [""] for none.',
  );
}

/** The text of the label. */
export function entrypointLabel(words: readonly string[]): string {
  return JSON.stringify(words);
}

/** The label's words; undefined when they are not ours, or there is nothing to read. */
export function parseEntrypoint(text: string | undefined): string[] | undefined {
  try {
    const words: unknown = JSON.parse(text ?? '');
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined;
  }
}

/** What a stage says, and ends with exit code 127, when the image has no such program. */
export function entrypointNotFound(words: readonly string[]): BulkheadError {
  const [program = ''] = words;
  const all = words.length > 1 ? ` (entrypoint: ${JSON.stringify(words)})` : '';
  return new BulkheadError(
    'entrypoint-not-found',
    `the job's entrypoint ${JSON.stringify(program)} is no program that can be run in its image${all}`,
    'Correct "image: entrypoint:" of the job or the ENTRYPOINT of the image, or set the former to [""] for none.',
  );
}
