import type { Register } from './command.ts';
import { registerGc } from './gc.ts';
import { registerMetrics } from './metrics.ts';
import { registerPolicy } from './policy.ts';
import { registerReceipts } from './receipts.ts';

/** The commands for people, as --help lists them. Loaded only when no stage is called: stages start ten times a job. */
export const registerAll: Register = (program, choose) => {
  for (const register of [registerPolicy, registerReceipts, registerMetrics, registerGc]) register(program, choose);
};
