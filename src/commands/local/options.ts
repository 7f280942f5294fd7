import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { BulkheadError } from '../../errors.ts';
import { type Variable, variable } from '../../player/variables.ts';

const nameOfVariable = /^[A-Za-z_][A-Za-z0-9_]*$/;
const longestFile = 1024 * 1024;

export interface LocalOptions {
  readonly list?: boolean;
  readonly policy?: string;
  readonly project?: string;
  readonly protected?: boolean;
  readonly variable?: readonly Assigned[];
  readonly variableFile?: readonly Assigned[];
  readonly artifacts?: string;
  readonly allowRemoteIncludes?: boolean;
  readonly json?: boolean;
}

/** `KEY=value`, taken apart. */
export interface Assigned {
  readonly key: string;
  readonly value: string;
}

/** For commander: every occurrence of the option. @throws InvalidArgumentError. */
export function assigned(text: string, before: readonly Assigned[] = []): Assigned[] {
  const [, key = '', value = ''] = /^([^=]*)=([\s\S]*)$/.exec(text) ?? [];
  if (nameOfVariable.test(key)) return [...before, { key, value }];
  throw new InvalidArgumentError(
    'A variable is KEY=value; the key has letters, digits and _, and begins with no digit.',
  );
}

/** Of a path as GitLab has them. @throws InvalidArgumentError. */
export function projectPath(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$/.test(text) && text.length <= 255) return text;
  throw new InvalidArgumentError('A project is group/project, with letters, digits, _, - and .');
}

/** The path for a project that nobody named, of its folder's name. */
export function pathOfFolder(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_.-]/g, '-').replace(/^[^A-Za-z0-9_]+/, '');
  return `local/${safe.slice(0, 100) || 'project'}`;
}

/** Variables of the command line, those with the contents of a file among them. @throws BulkheadError `file-unsafe`. */
export async function givenVariables({
  variable: plain = [],
  variableFile: files = [],
}: LocalOptions): Promise<Variable[]> {
  const read = files.map(async ({ key, value: path }) => {
    try {
      const content = await readFile(path, 'utf8');
      if (content.length > longestFile) throw new Error(`it is longer than ${longestFile} characters`);
      return variable(key, content, { file: true, raw: true });
    } catch (cause) {
      const hint = 'Name a readable text file: --variable-file KEY=path.';
      throw new BulkheadError('file-unsafe', `cannot read ${path}: ${(cause as Error).message}`, hint, { cause });
    }
  });
  return [...plain.map(({ key, value }) => variable(key, value)), ...(await Promise.all(read))];
}
