import { cpSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { ROOT } from './cache.ts';

/** The programs in node_modules that only check and build: a third of its size, and of no use in the machine. */
const LEFT_OUT = /\/node_modules\/(@biomejs|@typescript|typescript|@types)(\/|$)/;

/** Copies the project as it is in the work tree, with its packages and the bundle, so that nothing is fetched or built. */
export async function copyProject(target: string): Promise<void> {
  const { stdout } = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
  });
  for (const file of stdout.split('\0').filter(isThere)) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(ROOT, file), join(target, file));
  }
  for (const folder of ['node_modules', 'dist']) {
    cpSync(join(ROOT, folder), join(target, folder), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !LEFT_OUT.test(source),
    });
  }
}

/** Files that were deleted but not committed are still listed. */
function isThere(file: string): boolean {
  return file !== '' && statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile() === true;
}
