import * as z from 'zod';
import { guaranteeNames } from '../guarantees/guarantee.ts';

const text = z.string();
const count = z.number().int().nonnegative();

const job = z.strictObject({
  key: text,
  id: count,
  instance: text,
  /** Missing where an orphan was removed (`job-orphaned`): its objects' labels are all that is known of it. */
  projectId: count.optional(),
  projectPath: text.optional(),
});
const policy = z.strictObject({
  name: text,
  hash: text,
  /** The place of the assignment that won, `<file>:<line>`. */
  assignment: text.optional(),
});
const image = z.strictObject({
  /** Normalised. */
  reference: text,
  /** What ran: `sha256:…` of the image's configuration. */
  id: text,
  /** `sha256:…` of its manifest, as its registry gave it. */
  digest: text.optional(),
});
const runtime = z.strictObject({ version: text.optional(), flags: z.array(text) });
const observation = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('proven'), evidence: text }),
  z.strictObject({ state: z.literal('unavailable'), reason: text, remedy: text }),
  z.strictObject({ state: z.literal('violated'), reason: text, remedy: text }),
]);
const guarantees = z.partialRecord(z.enum(guaranteeNames), observation);
/** An error code of docs/errors.md, and its message. */
const outcome = z.strictObject({ code: text, message: text });

/** Bytes that came from registries, as far as Podman tells; missing where it told of none, and in records before there was the field. */
const pulledBytes = count.optional();

const common = {
  job,
  /** `<pid>:<start time>` of the GitLab Runner process that owns the job. */
  runnerProcess: text,
  /** Version of Bulkhead. */
  bulkhead: text,
  /** What took how long, in milliseconds. */
  durations: z.record(text, z.number().nonnegative()),
};

/**
 * What a receipt says about a job. Strict, so that nothing gets in that was not meant to: no variable, no token, no script.
 */
export const receiptRecordSchema = z.discriminatedUnion('kind', [
  /** The sandboxes stand, and what the policy requires is proven. */
  z.strictObject({
    kind: z.literal('prepared'),
    ...common,
    pulledBytes,
    policy,
    images: z.strictObject({ helper: image, build: image, services: z.array(image).optional() }),
    runtime,
    guarantees,
  }),
  /** Nothing of the job ran. How far it came shows in what is there. */
  z.strictObject({
    kind: z.literal('refused'),
    ...common,
    pulledBytes,
    outcome,
    policy: policy.optional(),
    images: z
      .strictObject({
        helper: image.optional(),
        build: image.partial({ id: true }).optional(),
        services: z.array(image).optional(),
      })
      .optional(),
    runtime: runtime.optional(),
    guarantees: guarantees.optional(),
  }),
  /** The job is over, and its objects are gone. */
  z.strictObject({
    kind: z.literal('finished'),
    ...common,
    /** Containers, volumes and networks that cleanup removed. */
    removed: count,
    policy: policy.optional(),
    outcome: outcome.optional(),
  }),
]);

export type ReceiptRecord = z.infer<typeof receiptRecordSchema>;
