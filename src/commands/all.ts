import type { Register } from './command.ts';
import { registerGc } from './gc.ts';
import { registerInit } from './init.ts';
import { registerPolicy } from './policy.ts';
import { registerReceipts } from './receipts.ts';

/** The commands for people, as --help lists them. Loaded only when no stage is called: stages start ten times a job. */
export const registerAll: Register = (program, choose) => {
  for (const register of [registerInit, registerPolicy, registerReceipts, registerGc]) register(program, choose);
};
