import { statfs } from 'node:fs/promises';
import { PRUNE_IMAGES } from '../host-setup/image-names.ts';
import { describeBytes } from '../runner/describe-bytes.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

const GiB = 1024 ** 3;
/** Below, jobs fail; an image of a usual language has no room. */
const least = { bytes: GiB, inodes: 10_000 };
const few = { bytes: 10 * GiB, inodes: 200_000 };

export const diskSpace: Check = {
  id: 'disk-space',
  title: 'disk',
  about:
    "Bytes and inodes that are left where Podman's storage is, and the state folder with the receipts. Below 1 GiB or 10,000 inodes it fails, below 10 GiB or 200,000 it warns. A file system that makes inodes as it goes has no number of them.",
  async look(host) {
    const { stateFolder } = await host.configuration.need();
    const folders = [
      ...(await host.info.need().then(
        ({ storage }) => [storage.folder],
        () => [],
      )),
      stateFolder,
    ];
    const places = await Promise.all(folders.map(measure));
    return judgeDisk(places.filter((place) => place !== undefined));
  },
};

export interface Place {
  readonly folder: string;
  /** That an ordinary user can take. */
  readonly bytes: number;
  /** undefined where nobody counts them. */
  readonly inodes: number | undefined;
}

/** undefined for a folder that is not there: whoever needs it says so. */
async function measure(folder: string): Promise<Place | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  if (found === undefined) return undefined;
  return { folder, bytes: found.bavail * found.bsize, inodes: found.files === 0 ? undefined : found.ffree };
}

export function judgeDisk(places: readonly Place[]): Finding {
  const below = (limit: typeof least) =>
    places.find(({ bytes, inodes = Number.POSITIVE_INFINITY }) => bytes < limit.bytes || inodes < limit.inodes);
  const fix = (place: Place) =>
    `Make room in ${place.folder}: bulkhead gc --caches-older-than 30d; then, ${PRUNE_IMAGES}`;
  const empty = below(least);
  if (empty !== undefined) return fail(`almost nothing is left: ${describe(empty)}`, fix(empty));
  const short = below(few);
  if (short !== undefined) return warn(`little is left: ${describe(short)}`, fix(short));
  return ok(places.map(describe).join('; '));
}

function describe({ folder, bytes, inodes }: Place): string {
  return `${folder} has ${describeBytes(bytes)}${inodes === undefined ? '' : ` and ${inodes} inodes`} free`;
}
