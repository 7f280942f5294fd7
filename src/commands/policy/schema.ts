import { Argument, type Command } from 'commander';
import { jsonSchema, type SchemaName, schemaNames } from '../../policy/json-schema.ts';
import type { Choose } from '../command.ts';
import { printResult } from '../print.ts';

export function registerSchema(policy: Command, choose: Choose): void {
  policy
    .command('schema')
    .description('print the JSON Schema of policies, of assignments.json, or of test cases')
    .addArgument(new Argument('[what]', 'which').choices(schemaNames).default('policy'))
    .addHelpText(
      'after',
      `
Examples:
  bulkhead policy schema > policies/policy.schema.json
  bulkhead policy schema assignments > policies/assignments.schema.json

Editors complete and check files that name it: { "$schema": "./policy.schema.json", … }`,
    )
    .action((what: SchemaName) =>
      choose({}, async () => {
        await printResult(JSON.stringify(jsonSchema(what), null, 2));
        return 0;
      }),
    );
}
