import type { Manifest } from './manifest.ts';

type Waited = Manifest['pending'][number];

/** The steps that have a file read again, once it is written: by Podman's service, or by systemd for the units. */
export function stepsAfter({ path, restarts }: { path: string; restarts?: boolean }): Waited[] {
  const isUnit = /\.(service|socket|timer)$/.test(path);
  return [...(restarts ? ['service' as const] : []), ...(isUnit ? ['timer' as const] : [])];
}

/**
 * Takes such a step. Told whether anything waits for it: noted in the manifest by this call of init, or by one that was
 * stopped. Nothing does any more once it is done.
 */
export async function settle<T>(
  manifest: Manifest,
  step: Waited,
  save: () => void,
  take: (changed: boolean) => Promise<T>,
): Promise<T> {
  const changed = manifest.pending.includes(step);
  const outcome = await take(changed);
  if (changed) {
    manifest.pending = manifest.pending.filter((each) => each !== step);
    save();
  }
  return outcome;
}
