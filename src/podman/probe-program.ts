import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireTrustedFolder } from '../host/trusted-file.ts';
import { probeInHelperImage } from '../sandbox/layout.ts';
import { readFileOf } from './archive.ts';
import type { Podman } from './client.ts';

const largestProbe = 1024 * 1024;

/**
 * The probe, out of the helper image that the courier was created from and that nothing has run in. Podman needs 120 ms to
 * take a file out of a container, so a copy is kept in the state folder, named by the image: another image, another copy.
 * @throws BulkheadError `file-unsafe` when others could change the copy, or Podman's own.
 */
export async function probeProgram(
  podman: Podman,
  courier: string,
  helperImageId: string,
  stateFolder: string,
): Promise<Uint8Array> {
  // Only root and our own user can put anything into it.
  const folder = requireTrustedFolder(stateFolder);
  if (folder === undefined) return await readFileOf(podman, courier, probeInHelperImage, largestProbe);
  const copy = join(folder, `probe-${helperImageId.replace(/^sha256:/, '').slice(0, 32)}`);
  try {
    return await readFile(copy);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const program = await readFileOf(podman, courier, probeInHelperImage, largestProbe);
  await keep(program, copy);
  return program;
}

/** Whole or not at all, also beside other drivers that do the same. A full disk costs later jobs the time, no more. */
async function keep(program: Uint8Array, copy: string): Promise<void> {
  const draft = `${copy}.${process.pid}`;
  try {
    await writeFile(draft, program, { mode: 0o600, flush: true });
    await rename(draft, copy);
  } catch {
    // Nothing depends on the copy.
  }
}
