import type { Symptom } from '../symptom.ts';
import { codeSymptoms } from './codes.ts';
import { warningSymptoms } from './driver.ts';
import { hostSymptoms } from './host.ts';
import { jobSymptoms } from './job.ts';
import { allLiveSymptoms } from './live.ts';
import { runnerSymptoms } from './runner.ts';
import { sandboxSymptoms } from './sandbox.ts';

/** As docs/diagnosis.md has them. Of what a line could mean, the first counts. */
export const symptomGroups = {
  host: hostSymptoms,
  codes: codeSymptoms,
  warnings: warningSymptoms,
  runner: runnerSymptoms,
  sandbox: sandboxSymptoms,
  job: jobSymptoms,
  live: allLiveSymptoms,
} as const;

export const allSymptoms: readonly Symptom[] = Object.values(symptomGroups).flat();

const byId = new Map(allSymptoms.map((symptom) => [symptom.id, symptom]));

/** undefined for what no symptom is called, as an error code of another version. */
export function symptomOf(id: string): Symptom | undefined {
  return byId.get(id);
}
