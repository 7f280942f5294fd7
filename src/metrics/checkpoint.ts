import { join } from 'node:path';
import * as z from 'zod';
import { replaceFile } from '../host/replace-file.ts';
import { readTrustedFile } from '../host/trusted-file.ts';
import { placeSchema } from './new-receipts.ts';
import { stagePlacesSchema } from './new-stages.ts';
import { totalsSchema } from './totals.ts';

const file = 'checkpoint.json';

const checkpointSchema = z.object({
  schemaVersion: z.literal(1),
  /** How far the receipts and the stages were read; all before is in the totals. */
  receipts: placeSchema.optional(),
  stages: stagePlacesSchema,
  totals: totalsSchema,
  /** Jobs that have not ended: key, and when they were prepared, in Unix milliseconds. */
  running: z.array(z.tuple([z.string(), z.number()])),
  /** Time of the newest receipt, in Unix milliseconds. */
  last: z.number().optional(),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

const nothing: Checkpoint = { schemaVersion: 1, stages: {}, totals: {}, running: [] };

/**
 * What was counted so far, and how far that was.
 * @returns `unusable` when there is a checkpoint that says nothing: then everything counts anew.
 * @throws BulkheadError `file-unsafe`.
 */
export async function readCheckpoint(folder: string): Promise<{ checkpoint: Checkpoint; unusable: boolean }> {
  const text = await readTrustedFile(join(folder, file));
  if (text === undefined) return { checkpoint: nothing, unusable: false };
  try {
    return { checkpoint: checkpointSchema.parse(JSON.parse(text)), unusable: false };
  } catch {
    return { checkpoint: nothing, unusable: true };
  }
}

/** @throws the errors of replaceFile. */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  await replaceFile(folder, file, JSON.stringify(checkpoint));
}
