import * as z from 'zod';

/*
 * What this host knows of one repository: who was given which of its images. A record that exists guards all images of its
 * repository, and each entry opens one. So to forget entries is always safe, and to forget a whole record is not while an
 * image of the repository is in the store.
 */

/** Who has no credentials. */
export const anybody = 'anybody';

/** A registry's word is good for so long: a token that was revoked since loses access after that. */
export const acceptedForMs = 12 * 3600 * 1000;

/** A repository with more entries is asked for again a little sooner than needed. */
const mostAccepted = 500;

export const accessRecordSchema = z.object({
  schemaVersion: z.literal(1),
  repository: z.string(),
  /** Ids of images that were in the store before a job first pulled from the repository: the operator put them there. */
  preloaded: z.array(z.string()),
  accepted: z.array(
    z.object({
      image: z.string(),
      /** Fingerprint of a credential, or `anybody`. */
      who: z.string(),
      /** Unix time in milliseconds. */
      at: z.number(),
    }),
  ),
});

export type AccessRecord = z.infer<typeof accessRecordSchema>;

/** Why a job may have an image that is in the store. */
export type Access = 'preloaded' | 'public' | 'accepted' | 'unproven';

/** @param record undefined when no job ever pulled from the repository. */
export function judgeAccess(record: AccessRecord | undefined, image: string, who: string, now: number): Access {
  if (record === undefined || record.preloaded.includes(image)) return 'preloaded';
  const fitting = record.accepted.filter((entry) => entry.image === image && isFresh(entry.at, now));
  if (fitting.some((entry) => entry.who === anybody)) return 'public';
  return fitting.some((entry) => entry.who === who) ? 'accepted' : 'unproven';
}

/** Before a pull: from now on the repository is guarded. @param present ids of its images that are in the store. */
export function guarded(
  record: AccessRecord | undefined,
  repository: string,
  present: readonly string[],
): AccessRecord {
  // One that the operator took away, and that a pull brings back, is not the operator's any more.
  const preloaded = record?.preloaded.filter((image) => present.includes(image)) ?? [...present];
  return { schemaVersion: 1, repository, preloaded, accepted: record?.accepted ?? [] };
}

/** After a pull: the registry gave the image for that credential. */
export function withAccepted(record: AccessRecord, image: string, who: string, now: number): AccessRecord {
  const others = record.accepted.filter(
    (entry) => isFresh(entry.at, now) && !(entry.image === image && entry.who === who),
  );
  return { ...record, accepted: [...others, { image, who, at: now }].slice(-mostAccepted) };
}

/** The registry refused the credential: what it was given before no longer counts. */
export function withRefused(record: AccessRecord, who: string): AccessRecord {
  return { ...record, accepted: record.accepted.filter((entry) => entry.who !== who) };
}

/** A clock that was set back must not make a word good for longer. */
function isFresh(at: number, now: number): boolean {
  return at <= now && now - at < acceptedForMs;
}
