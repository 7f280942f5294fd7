import { constants } from 'node:fs';
import { type FileHandle, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { openTrustedFile } from '../host/trusted-file.ts';
import { sha256 } from '../receipts/chain.ts';
import { readLines } from '../receipts/lines.ts';
import { fullBytes, stageLabels, stageOutcomes, stagesFile } from './stage-record.ts';

/** The file before the current one: a stage that ended just then may still have written to it. */
const previousFile = 'stages-previous.jsonl';
const turnBytes = 256 * 1024;

const recordSchema = z.object({
  stage: z.enum(stageLabels).catch('step'),
  outcome: z.enum(stageOutcomes),
  seconds: z.number().nonnegative(),
});
export type CountedStage = z.infer<typeof recordSchema>;

/** Bytes read of each file, which is known by the hash of its first line: no two are the same. */
export const stagePlacesSchema = z.record(z.string(), z.number());
export type StagePlaces = z.infer<typeof stagePlacesSchema>;

/**
 * Hands on each stage that was not read before, once.
 * @param folder the trusted folder of the files; nobody else turns them meanwhile.
 * @returns where to go on next time; whether the file was full, so that stages are missing.
 * @throws BulkheadError `file-unsafe`; the errors of open(2).
 */
export async function readNewStages(
  folder: string,
  before: StagePlaces,
  take: (stage: CountedStage) => void,
): Promise<{ places: StagePlaces; full: boolean }> {
  const places: StagePlaces = {};
  let full = false;
  for (const name of [previousFile, stagesFile]) {
    await using file = await openStages(join(folder, name));
    if (file === undefined) continue;
    const { size } = await file.stat();
    const id = await firstLine(file, size);
    if (id === undefined) continue;
    let offset = Math.min(before[id] ?? 0, size);
    full ||= name === stagesFile && size >= fullBytes;
    for await (const { bytes, ended } of readLines(file, size, offset)) {
      // What is not ended may still be being written.
      if (!ended) break;
      offset += bytes.length + 1;
      const record = readRecord(bytes);
      if (record !== undefined) take(record);
    }
    places[id] = offset;
  }
  return { places, full };
}

/** Begins a new file when the current one has grown. Called when all of it is counted, and that is on the disk. */
export async function turnStages(folder: string): Promise<void> {
  await using file = await openStages(join(folder, stagesFile));
  if (file === undefined || (await file.stat()).size < turnBytes) return;
  await rename(join(folder, stagesFile), join(folder, previousFile));
}

async function openStages(path: string): Promise<FileHandle | undefined> {
  return await openTrustedFile(path, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function firstLine(file: FileHandle, size: number): Promise<string | undefined> {
  for await (const { bytes, ended } of readLines(file, size)) return ended ? sha256(bytes) : undefined;
  return undefined;
}

function readRecord(line: Buffer): CountedStage | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(line.toString())).data;
  } catch {
    // A write that was cut off, by a full disk say.
    return undefined;
  }
}
