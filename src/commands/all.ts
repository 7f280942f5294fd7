import type { Register } from './command.ts';
import { registerDiagnose } from './diagnose.ts';
import { registerDoctor } from './doctor.ts';
import { registerGc } from './gc.ts';
import { registerInit } from './init.ts';
import { registerLocal } from './local.ts';
import { registerMetrics } from './metrics.ts';
import { registerPolicy } from './policy.ts';
import { registerPs } from './ps.ts';
import { registerReceipts } from './receipts.ts';

const commands = [
  registerInit,
  registerDoctor,
  registerLocal,
  registerPolicy,
  registerReceipts,
  registerMetrics,
  registerPs,
  registerGc,
  registerDiagnose,
];

/** The commands for people, as --help lists them. Loaded only when no stage is called: stages start ten times a job. */
export const registerAll: Register = (program, choose) => {
  for (const register of commands) register(program, choose);
};
