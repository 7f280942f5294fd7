import * as z from 'zod';
import { casesSchema } from './cases.ts';
import { assignmentsSchema, policyFileSchema } from './schema.ts';

export const schemaNames = ['policy', 'assignments', 'cases'] as const;
export type SchemaName = (typeof schemaNames)[number];

const schemas = {
  policy: { schema: policyFileSchema, title: 'A policy of Bulkhead: what jobs may ask for, and what they get' },
  assignments: { schema: assignmentsSchema, title: 'Which jobs get which policy: the first that matches decides' },
  cases: { schema: casesSchema, title: 'Sample jobs and what must come of them, for bulkhead policy test' },
} as const;

/** JSON Schema (2020-12) of a file, for editors. What only functions can check, such as globs, it knows in outline. */
export function jsonSchema(name: SchemaName): Record<string, unknown> {
  const { schema, title } = schemas[name];
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', reused: 'inline' });
  return { $schema, title, ...rest };
}
