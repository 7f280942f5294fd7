import * as z from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Document } from './document.ts';
import { invalid } from './problem.ts';
import { policyName } from './schema.ts';
import { validate } from './validate.ts';

/** How a decision can end, beside "allowed". Whether an image's own user is root shows only when there is an image. */
const refusals = [
  'policy-no-assignment',
  'policy-image-refused',
  'policy-pull-policy-refused',
  'policy-services-refused',
  'policy-variable-refused',
  'image-missing',
  'image-reference-invalid',
] as const satisfies readonly ErrorCode[];

const id = z.number().int().positive();
const image = z.string().describe('As the author of a job writes it.');
const pullPolicies = z.array(z.string()).describe('What the job asks for, in its order.');

const jobSchema = z
  .strictObject({
    project: z.string().optional().describe('Full path of the project; without it GitLab does not say.'),
    projectId: id.optional().describe('Without it a number that no condition names.'),
    namespaceId: id.optional().describe('The number of the group or user that the project is in.'),
    userId: id.optional().describe('The GitLab user who started the job.'),
    protected: z.boolean().nullable().optional().describe('null as from a GitLab that does not say.'),
    runner: z.string().optional().describe('"runner" of the configuration.'),
    image: image.optional(),
    pullPolicies: pullPolicies.optional(),
    services: z
      .array(z.union([image, z.strictObject({ name: image, pullPolicies: pullPolicies.optional() })]))
      .optional()
      .describe('Names of images, or what GitLab knows of them.'),
    user: z.string().optional().describe('image:docker:user of the job.'),
    variables: z.array(z.string()).optional().describe("Names of the job's variables."),
  })
  .describe('What GitLab says of the job. The author of the job chooses the last five.');

const expectSchema = z.discriminatedUnion('decision', [
  z.strictObject({
    decision: z.literal('allowed').describe('The job gets what it asks for.'),
    policy: policyName.optional().describe('Name of the policy that decides.'),
    image: z.string().optional().describe('The full name that the image comes to.'),
    pullPolicies: z
      .array(z.enum(['always', 'if-not-present', 'never']))
      .optional()
      .describe('Those that are tried, in their order.'),
  }),
  z.strictObject({
    decision: z.literal('refused').describe('The job does not run.'),
    code: z.enum(refusals).optional().describe('Why; docs/errors.md has a section for each.'),
    policy: policyName.optional().describe('Name of the policy that decides.'),
  }),
]);

export const caseSchema = z.strictObject({
  name: z.string().min(1).describe('What is shown, as a sentence.'),
  job: jobSchema,
  expect: expectSchema.describe('What must come of it; what is left out may be anything.'),
});

/** `<policy>.test.json` beside the policies: cases against that policy; `assignments.test.json`: through the list. */
export const casesSchema = z.strictObject({
  $schema: z.string().optional().describe('Where editors find the schema of this file.'),
  cases: z.array(caseSchema).min(1, 'holds no cases').describe('At least one.'),
});

export type Case = z.output<typeof caseSchema>;
export type Expectation = Case['expect'];

export interface Cases {
  readonly document: Document;
  readonly list: readonly Case[];
}

const knownKeys = [
  ...['$schema', 'cases', 'name', 'job', 'expect'],
  ...Object.keys(jobSchema.shape),
  ...['decision', 'code', 'policy'],
];

/** @throws BulkheadError `policy-invalid`: also when the file holds no case, which would look like success. */
export async function readCases(name: string, read: (name: string) => Promise<Document | undefined>): Promise<Cases> {
  const document = await read(name);
  if (document === undefined) throw invalid({ file: name, line: 1, path: '', message: 'does not exist' });
  return { document, list: validate(document, casesSchema, knownKeys).cases };
}
