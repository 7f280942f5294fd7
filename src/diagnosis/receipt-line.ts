import * as z from 'zod';

/**
 * What a diagnosis needs of a receipt (receipts/record.ts). Not strict, as that is: receipts of other versions may say more.
 */
const receiptSchema = z.object({
  schemaVersion: z.literal(1),
  time: z.string(),
  kind: z.enum(['prepared', 'refused', 'finished']),
  job: z.object({ key: z.string(), id: z.number(), instance: z.string() }),
  durations: z.record(z.string(), z.number()),
  outcome: z.object({ code: z.string(), message: z.string() }).optional(),
});

export type Receipt = z.infer<typeof receiptSchema>;

/** undefined for what is no line of receipts. */
export function readReceiptLine(text: string): Receipt | undefined {
  try {
    return receiptSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
