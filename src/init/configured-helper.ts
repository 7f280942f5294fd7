import { readFileSync } from 'node:fs';

/** The helper image that a configuration names; undefined when it names none, or cannot be read. */
export function configuredHelper(path: string): string | undefined {
  try {
    const { helperImage } = JSON.parse(readFileSync(path, 'utf8'));
    return typeof helperImage === 'string' ? helperImage : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What the operator has to do where a configuration that stays as it is names another helper image than the one that init
 * provides; undefined when it names that one.
 */
export function helperToName(path: string, named: string | undefined, provided: string): string | undefined {
  if (named === provided) return undefined;
  return `${path} names ${named ?? 'no helper image'}, and stays as it is; put "helperImage": ${JSON.stringify(provided)} into it`;
}
