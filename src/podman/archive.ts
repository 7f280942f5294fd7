import { open } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Pack, pack } from 'tar-stream';
import { BulkheadError } from '../errors.ts';
import { isNotFound, type Podman, request, sandboxMissing } from './client.ts';

/** A file or (without content) a folder to put into a volume. Always owned by root of the sandbox. */
export interface ArchiveEntry {
  /** Relative to the volume; `./` is the volume itself. */
  readonly name: string;
  readonly mode: number;
  readonly content?: Uint8Array;
}

/**
 * Unpacks a tar stream in a volume that `courier` mounts at `path`. The courier is a container that was never started:
 * Podman cannot copy into a running gVisor sandbox, but sandboxes that mount the volume see the files at once.
 * @throws BulkheadError `sandbox-missing`.
 */
export async function sendEntries(
  podman: Podman,
  courier: string,
  path: string,
  entries: readonly ArchiveEntry[],
): Promise<void> {
  const archive = pack();
  for (const { name, mode, content } of entries) {
    const header = headerOf(name, mode);
    if (content === undefined) archive.entry({ ...header, type: 'directory' });
    else archive.entry(header, Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  }
  archive.finalize();
  await putArchive(podman, courier, path, archive);
}

/**
 * Sends one file of this host, of any size, as sendEntries() does.
 * @throws BulkheadError `sandbox-missing`; Error of the file system.
 */
export async function sendFile(
  podman: Podman,
  courier: string,
  path: string,
  { name, mode, file }: { readonly name: string; readonly mode: number; readonly file: string },
): Promise<void> {
  await using handle = await open(file);
  const archive = pack();
  const entry = archive.entry({ ...headerOf(name, mode), size: (await handle.stat()).size });
  const filling = pipeline(handle.createReadStream({ autoClose: false }), entry as unknown as Writable).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  await putArchive(podman, courier, path, archive);
  await filling;
}

function headerOf(name: string, mode: number) {
  return { name, mode, uid: 0, gid: 0, mtime: new Date() };
}

async function putArchive(podman: Podman, courier: string, path: string, archive: Pack): Promise<void> {
  // tar-stream's streams are not Node's own, though they iterate alike.
  const body = Readable.from(archive, { objectMode: false });
  try {
    await request(`copy to ${path}`, podman.getContainer(courier).putArchive(body, { path }));
  } catch (error) {
    throw isNotFound(error) ? sandboxMissing(courier, error) : error;
  }
}

/**
 * Reads one regular file out of a container that need not run; a container that never ran has it as its image does.
 * @param limit in bytes; a larger file is refused, not cut.
 * @throws BulkheadError `podman-request-failed`, also when there is no such file, or it is too large.
 */
export async function readFileOf(podman: Podman, container: string, path: string, limit: number): Promise<Buffer> {
  const what = `read ${path} of ${container}`;
  const refusal = (why: string) =>
    new BulkheadError('podman-request-failed', `${path} of ${container}: ${why}`, 'Build the image again.');
  const archive = await request(what, podman.getContainer(container).getArchive({ path }));
  const entries = extract();
  // A connection that breaks must end the loop below, which waits for the end of the archive.
  archive.on('error', (error) => entries.destroy(error));
  archive.pipe(entries);
  try {
    for await (const entry of entries) {
      const { type, size = 0 } = entry.header;
      if (type !== 'file') throw refusal(`it is no regular file, but a ${type}`);
      if (size > limit) throw refusal(`its ${size} bytes are more than ${limit}`);
      const pieces: Uint8Array[] = [];
      for await (const piece of entry) pieces.push(piece as Uint8Array);
      return Buffer.concat(pieces);
    }
  } finally {
    (archive as Readable).destroy();
  }
  throw refusal('the archive is empty');
}
