import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import * as z from 'zod';
import { BulkheadError } from '../errors.ts';
import { readTrustedFile } from '../host/trusted-file.ts';
import { writeIfChanged } from '../host-setup/write-if-changed.ts';

const edit = z.strictObject({ at: z.number(), removed: z.string(), inserted: z.string() });

const manifestSchema = z.strictObject({
  schemaVersion: z.literal(1),
  /** The account that was made, and nothing if it was there before. */
  user: z.string().optional(),
  /** Given to an account that was there before: the range, `first-last`. */
  subordinateIds: z.strictObject({ user: z.string(), range: z.string() }).optional(),
  linger: z.string().optional(),
  /** Made, in this order. */
  folders: z.array(z.string()),
  /** Written: path → SHA-256 of what. */
  files: z.record(z.string(), z.string()),
  /** Of those that are being replaced: path → SHA-256 of what is there until then. */
  replaced: z.record(z.string(), z.string()).default({}),
  /** The steps that have what was written read again, and that were not taken since. */
  pending: z.array(z.enum(['service', 'timer'])).default([]),
  /** Which network sandboxes start with, by what was tried: tried once. */
  networks: z.record(z.string(), z.enum(['sandbox', 'host'])),
  /** The name of the helper image that the operator gave. */
  helperImage: z.string().optional(),
  /** Changes to files of GitLab Runner, oldest first; `before` is the SHA-256 of what they were made to. */
  merges: z.array(z.strictObject({ path: z.string(), before: z.string(), edits: z.array(edit) })),
});

/** What init did to this host, kept so that exactly that can be undone. */
export type Manifest = z.infer<typeof manifestSchema>;

export const emptyManifest = (): Manifest => ({
  schemaVersion: 1,
  folders: [],
  files: {},
  replaced: {},
  pending: [],
  networks: {},
  merges: [],
});

/** Whether init wrote this to the path. Where it was stopped while it replaced a file, that is the one or the other. */
export function isWritten({ files, replaced }: Manifest, path: string, content: Buffer): boolean {
  return [files[path], replaced[path]].includes(sha256(content));
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * undefined when init has done nothing here.
 * @throws BulkheadError `file-unsafe`, or `init-impossible` when it cannot be read: what to undo is then not known.
 */
export async function readManifest(path: string): Promise<Manifest | undefined> {
  const text = await readTrustedFile(path);
  if (text === undefined) return undefined;
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BulkheadError(
      'init-impossible',
      `${path}, where init keeps what it did, cannot be read`,
      'Have it back from a backup, or remove it: then nothing that init wrote is known as its own any more.',
      { cause },
    );
  }
}

/** Written before each change: what was only begun is undone, too. Always in the order above, whatever came to be known when. */
export function writeManifest(path: string, manifest: Manifest): void {
  writeIfChanged(path, `${JSON.stringify(manifestSchema.parse(manifest), null, 2)}\n`, { mode: 0o600 });
}

/** Whether there is nothing left to undo. */
export function isEmpty({ user, subordinateIds, linger, folders, files, merges }: Manifest): boolean {
  return (
    [user, subordinateIds, linger].every((each) => each === undefined) &&
    folders.length === 0 &&
    Object.keys(files).length === 0 &&
    merges.length === 0
  );
}

export function removeManifest(path: string): void {
  rmSync(path, { force: true });
}
