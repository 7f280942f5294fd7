import { Readable } from 'node:stream';
import { type Podman, request } from './client.ts';
import { demultiplex } from './frames.ts';

/**
 * The end of what a container has written, both streams in order, each line with its time before it. Podman keeps little more
 * than a mebibyte of it.
 * @param limit bytes; a line that begins before them is left out.
 * @throws BulkheadError of the request.
 */
export async function tailOfLog(podman: Podman, container: string, limit: number): Promise<string> {
  const options = { stdout: true, stderr: true, timestamps: true, follow: false } as const;
  const log = await request('read log', podman.getContainer(container).logs(options));
  const pieces: Uint8Array[] = [];
  for await (const { data } of demultiplex(Readable.from([log]))) pieces.push(data);
  const text = Buffer.concat(pieces);
  if (text.length <= limit) return text.toString('utf8');
  const cut = text.subarray(text.length - limit);
  return cut.subarray(cut.indexOf('\n') + 1).toString('utf8');
}
