import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** On disk, and kept over a reboot. Everything that outlives a run is in here. */
export const CACHE = '/var/tmp/bulkhead-vm';

/** `bare` as a rented server comes; on `set-up`, set-up has run once, without systemd. */
export type DiskKind = 'bare' | 'set-up';

/**
 * What a machine's disk is made from: how it is built, and the images that set-up makes. The rest of set-up runs in the
 * machine each time, and has there what it has on a host that an older version set up.
 */
const bare = ['test/vm/{disk,cache,guest-files}.ts'];
const inputs: Record<DiskKind, string[]> = {
  bare,
  'set-up': [
    ...bare,
    'Containerfile',
    'probe/*',
    'setup/image*.ts',
    'src/host-setup/*image*.ts',
    'setup/images/*',
    'setup/test-images.ts',
    'test/vm/{project,make-images}.ts',
  ],
};

/** Changes when any input of the disk does. */
export function hashOfInputs(kind: DiskKind): string {
  const hash = createHash('sha256');
  for (const file of globSync(inputs[kind], { cwd: ROOT }).sort()) {
    const content = readFileSync(join(ROOT, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

/** A folder in the cache that goes as this process exits, at the latest. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(CACHE, `run-${process.pid}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Removes what runs left behind that were killed. */
export function removeStale(): void {
  for (const name of readdirSync(CACHE)) {
    const pid = /^run-(\d+)-/.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(CACHE, name), { recursive: true, force: true });
  }
}
