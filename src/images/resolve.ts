import { allDone } from '../all-done.ts';
import { BulkheadError } from '../errors.ts';
import { findImage, imagesOfRepository, type StoredImage } from '../podman/images.ts';
import type { AllowedImage, PullPolicy } from '../policy/decide.ts';
import { formatImageReference, type ImageReference } from '../sandbox/image-reference.ts';
import type { AccessRecords } from './access-records.ts';
import type { Credentials } from './credentials.ts';
import { formatPlatform, hostArchitecture, type Platform } from './platform.ts';
import { type PullPlace, pullImage } from './pull.ts';

/** An image that the policy allows, for the platform that the job asks for. */
export interface WantedImage extends AllowedImage {
  /** Undefined: this host's. */
  readonly platform: Platform | undefined;
}

export interface ImageAccess extends PullPlace {
  readonly credentials: Credentials;
  /** Opened when they are needed first: images of `localhost` have none. */
  readonly records: () => Promise<AccessRecords>;
}

/**
 * The images, in the order of the list, each by the first of its pull policies that gets it; several at once, and one that is
 * there twice once. The first that cannot be had ends the others.
 * @throws BulkheadError `image-not-found`, `image-access-denied`, `image-platform-unavailable` (the job's author can fix it) or
 *   `image-pull-failed`, of the last policy tried; `image-records-unusable`, `file-unsafe`; Podman's.
 */
export async function resolveImages(access: ImageAccess, images: readonly WantedImage[]): Promise<StoredImage[]> {
  const failed = new AbortController();
  const ours = { ...access, signal: AbortSignal.any([access.signal, failed.signal]) };
  const resolving = new Map<string, Promise<StoredImage>>();
  const all = images.map((image) => {
    const key = JSON.stringify(image);
    const found = resolving.get(key) ?? resolveImage(ours, image);
    resolving.set(key, found);
    return found.catch((error) => {
      failed.abort(error);
      // What the others were ended by is what is to blame.
      throw access.signal.aborted ? error : failed.signal.reason;
    });
  });
  return await allDone(all);
}

async function resolveImage(access: ImageAccess, image: WantedImage): Promise<StoredImage> {
  let failure: unknown;
  for (const policy of image.pullPolicies) {
    try {
      return await obtain(access, image, policy);
    } catch (error) {
      access.signal.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}

/** Images of the pseudo-registry `localhost` are never pulled: they exist only in this host's store, for everybody. */
async function obtain(access: ImageAccess, image: WantedImage, policy: PullPolicy): Promise<StoredImage> {
  const { reference, platform } = image;
  const name = formatImageReference(reference);
  const local = reference.registry === 'localhost';
  const present = policy === 'always' && !local ? undefined : await findUnder(access, reference);
  const fits = present !== undefined && isFor(present, platform?.architecture ?? hostArchitecture);
  const usable = fits || (present !== undefined && (local || policy === 'never') && platform === undefined);
  if (present !== undefined && usable) {
    const granted = local || (await mayHave(access, reference, present, policy));
    if (granted) {
      if (!fits) await warnOfPlatform(access, name, present);
      return present;
    }
  }
  if (local || policy === 'never') throw notInStore(name, local, present);
  return await pull(access, image);
}

/** The image, if the store knows it by a name of the repository: by digest, Podman finds it under any. */
async function findUnder({ podman }: ImageAccess, reference: ImageReference): Promise<StoredImage | undefined> {
  const image = await findImage(podman, formatImageReference(reference));
  return image?.repositories.includes(repositoryOf(reference)) ? image : undefined;
}

function repositoryOf({ registry, path }: ImageReference): string {
  return `${registry}/${path}`;
}

/** One that says nothing is taken as it is. */
function isFor({ architecture }: StoredImage, wanted: string): boolean {
  return architecture === '' || architecture === wanted;
}

/** @throws BulkheadError `image-access-denied` where the registry must not be asked. */
async function mayHave(
  { credentials, records, say }: ImageAccess,
  reference: ImageReference,
  { id }: StoredImage,
  policy: PullPolicy,
): Promise<boolean> {
  const access = await (await records()).judge(repositoryOf(reference), id, credentials.for(reference));
  if (access !== 'unproven') return true;
  const name = formatImageReference(reference);
  if (policy !== 'never') {
    await say(`Image ${name} is on this host; whether this job may have it, its registry must say`);
    return false;
  }
  throw new BulkheadError(
    'image-access-denied',
    `image ${name} is on this host, but its registry has not given it to this job, or not lately`,
    'Let the job pull it: pull_policy if-not-present or always, where the policy allows it.',
  );
}

async function pull(access: ImageAccess, { reference, platform }: WantedImage): Promise<StoredImage> {
  const { podman, credentials } = access;
  const records = await access.records();
  const [name, repository] = [formatImageReference(reference), repositoryOf(reference)];
  const credential = credentials.for(reference);
  await records.guard(repository, await imagesOfRepository(podman, repository));
  let pulled: StoredImage;
  try {
    pulled = await pullImage(access, { name, platform: platform && formatPlatform(platform), credential });
  } catch (error) {
    // Not found is what many registries say to those who may not know.
    const refused = error instanceof BulkheadError && error.blame === 'job';
    if (refused) await records.refused(repository, credential);
    throw error;
  }
  if (platform !== undefined && !isFor(pulled, platform.architecture)) {
    throw new BulkheadError(
      'image-platform-unavailable',
      `image ${name} is not for ${formatPlatform(platform)}: its registry gave one for ${pulled.os}/${pulled.architecture}`,
      'Use an image that is made for that platform.',
    );
  }
  await records.accepted(repository, pulled.id, credential);
  if (!isFor(pulled, hostArchitecture)) await warnOfPlatform(access, name, pulled);
  return pulled;
}

/** Some images name a platform that they are not for, so it is a warning where the job did not ask for one. */
async function warnOfPlatform({ say }: ImageAccess, name: string, { os, architecture }: StoredImage): Promise<void> {
  await say(
    `bulkhead: WARNING: image ${name} says that it is for ${os}/${architecture}; this runner runs ${hostArchitecture}`,
  );
}

function notInStore(name: string, local: boolean, present: StoredImage | undefined): BulkheadError {
  const what = present === undefined ? '' : ` for that platform, only for ${present.os}/${present.architecture}`;
  return new BulkheadError(
    'image-not-found',
    `image ${name} is not in this runner's local store${what}`,
    local
      ? 'Images of "localhost" are provided by the operator of the runner. Check the name, or use one from a registry.'
      : 'Let the job pull it: pull_policy if-not-present or always, where the policy allows it.',
  );
}
