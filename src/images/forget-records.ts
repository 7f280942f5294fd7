import type { Podman } from '../podman/client.ts';
import { listNamedImages } from '../podman/images.ts';
import { AccessRecords } from './access-records.ts';

/**
 * Removes what is kept about repositories of which this host has no image any more, and had no pull for a week. For gc.
 * @returns how many repositories were forgotten.
 * @throws BulkheadError Podman's, or AccessRecords'.
 */
export async function forgetUnusedRecords(podman: Podman, stateFolder: string): Promise<number> {
  const asOf = Date.now();
  const records = await AccessRecords.open(stateFolder);
  const images = await listNamedImages(podman);
  return await records.forget(new Set(images.flatMap(({ repositories }) => repositories)), asOf);
}
