import { setTimeout as sleep } from 'node:timers/promises';
import { BulkheadError } from '../errors.ts';
import { parseEntrypoint } from '../sandbox/entrypoint.ts';
import { type Limits, parseLimits } from '../sandbox/limits-label.ts';
import { labelKeys } from '../sandbox/names.ts';
import { parseUlimits } from '../sandbox/ulimits.ts';
import { isNotFound, type Podman, request, sandboxMissing } from './client.ts';

/** What a stage must know of its sandbox before it runs there. */
export interface StageSandbox {
  readonly name: string;
  readonly limits: Limits;
  /** As parseUlimits reads them. */
  readonly ulimits: readonly string[];
  /** What a script is started by; empty for none, as always in the helper. */
  readonly entrypoint: readonly string[];
  /** Name of the policy that the job was prepared under. */
  readonly policy: string;
}

/**
 * Reads what the sandbox's labels say, with the one call that also shows whether the service answers: it may be restarting
 * between two stages, and is waited for up to `patienceMs`.
 * @throws BulkheadError `podman-unreachable`, `sandbox-missing`, or `internal-error` for labels that are not ours.
 */
export async function findStageSandbox(podman: Podman, name: string, patienceMs: number): Promise<StageSandbox> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      const { Config } = await request('inspect sandbox', podman.getContainer(name).inspect());
      const labels: Readonly<Record<string, string | undefined>> = Config.Labels ?? {};
      return {
        name,
        limits: parseLimits(labels[labelKeys.limits]),
        ulimits: required(parseUlimits(labels[labelKeys.ulimits]), 'ulimits'),
        entrypoint: required(parseEntrypoint(labels[labelKeys.entrypoint]), 'entrypoint'),
        policy: labels[labelKeys.policy] ?? 'unknown',
      };
    } catch (error) {
      if (isNotFound(error)) throw sandboxMissing(name, error);
      if (isFinal(error) || Date.now() >= deadline) throw error;
      await sleep(200);
    }
  }
}

/** What Podman answered is as it is; only its silence, or a failure of its own, may pass. */
function isFinal(error: unknown): boolean {
  return error instanceof BulkheadError && error.code === 'internal-error';
}

function required(words: string[] | undefined, what: string): string[] {
  if (words !== undefined) return words;
  throw new BulkheadError(
    'internal-error',
    `the job's sandbox carries no ${what} that this driver can read`,
    'Was the driver replaced while the job ran? Then retry the job.',
  );
}
