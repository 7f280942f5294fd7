import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
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
    const header = { name, mode, uid: 0, gid: 0, mtime: new Date() };
    if (content === undefined) archive.entry({ ...header, type: 'directory' });
    else archive.entry(header, Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  }
  archive.finalize();
  // tar-stream's streams are not Node's own, though they iterate alike.
  const body = Readable.from(archive, { objectMode: false });
  try {
    await request(`copy to ${path}`, podman.getContainer(courier).putArchive(body, { path }));
  } catch (error) {
    throw isNotFound(error) ? sandboxMissing(courier, error) : error;
  }
}
