import { Readable } from 'node:stream';
import * as z from 'zod';
import { sandboxPaths } from '../sandbox/layout.ts';
import type { LogPosition } from '../services/log-position.ts';
import { readFileOf, sendEntries } from './archive.ts';
import { type Podman, request } from './client.ts';
import { demultiplex } from './frames.ts';

export interface LogOptions {
  /** Unix time in seconds: earlier lines are left out. */
  readonly since?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a container has written, both streams in order, each line with its time before it. Podman keeps little more than a
 * mebibyte of it.
 * @throws BulkheadError of the request.
 */
export async function readLog(podman: Podman, container: string, { since, signal }: LogOptions = {}): Promise<Buffer> {
  const options = {
    ...({ stdout: true, stderr: true, timestamps: true, follow: false } as const),
    ...(since !== undefined && { since }),
    ...(signal !== undefined && { abortSignal: signal }),
  };
  const log = await request('read log', podman.getContainer(container).logs(options));
  const pieces: Uint8Array[] = [];
  for await (const { data } of demultiplex(Readable.from([log]))) pieces.push(data);
  return Buffer.concat(pieces);
}

/**
 * The end of it.
 * @param limit bytes; a line that begins before them is left out.
 * @throws BulkheadError of the request.
 */
export async function tailOfLog(podman: Podman, container: string, limit: number): Promise<string> {
  const text = await readLog(podman, container);
  if (text.length <= limit) return text.toString('utf8');
  const cut = text.subarray(text.length - limit);
  return cut.subarray(cut.indexOf('\n') + 1).toString('utf8');
}

/** Up to where a job's services were shown, by their places in the job's list. */
export type LogPositions = ReadonlyMap<number, LogPosition>;

const positionsSchema = z.array(z.tuple([z.number(), z.object({ time: z.string(), lines: z.number() })]));
const [folder, file] = [sandboxPaths.driver, 'service-logs'];
/** Bytes: far more than so many services take. */
const longest = 64 * 1024;

/** What an earlier stage of the job has kept; nothing, where none has. */
export async function readLogPositions(podman: Podman, courier: string): Promise<LogPositions> {
  const text = await readFileOf(podman, courier, `${folder}/${file}`, longest).catch(() => undefined);
  try {
    return new Map(text && positionsSchema.parse(JSON.parse(text.toString())));
  } catch {
    return new Map();
  }
}

/** Keeps them for the next stage, where no sandbox can write. @throws BulkheadError of the request. */
export async function keepLogPositions(podman: Podman, courier: string, positions: LogPositions): Promise<void> {
  const content = Buffer.from(JSON.stringify([...positions]));
  await sendEntries(podman, courier, folder, [{ name: file, mode: 0o644, content }]);
}
