import type { Register } from './command.ts';
import { registerCheck } from './policy/check.ts';
import { registerExplain } from './policy/explain.ts';
import { registerSchema } from './policy/schema.ts';
import { registerTest } from './policy/test.ts';

export const registerPolicy: Register = (program, choose) => {
  const policy = program.command('policy').description('check, explain and test the policies');
  for (const register of [registerCheck, registerExplain, registerTest, registerSchema]) register(policy, choose);
};
