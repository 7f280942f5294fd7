import { readdirSync } from 'node:fs';

/** The names of the policies or profiles in a folder of the product; the test cases beside them are not for hosts. */
export function shippedNames(folder: string): string[] {
  return readdirSync(folder).filter((name) => /(?<!\.test)\.json$/.test(name));
}
