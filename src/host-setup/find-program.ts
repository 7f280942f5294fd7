import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The search path of the Podman service and of everything set-up runs for it. */
export const SERVICE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The absolute path of a program, or undefined. `path` is a colon-separated search path. */
export function findProgram(name: string, path: string = SERVICE_PATH): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
