import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusCode } from '../../src/podman/client.ts';
import { listJobObjects } from '../../src/podman/job-objects.ts';
import type { Job } from '../../src/runner/job.ts';
import { cacheName } from '../../src/sandbox/names.ts';
import { podman, processesWith } from '../integration/host.ts';

/**
 * No container, volume or network of the job, and no process that does not end by itself now: Podman tidies up behind its own
 * answers. The job's slice goes with its sandboxes; test/vm looks at that.
 */
export async function assertNothingLeft(job: Job): Promise<void> {
  await assertNoObjects(job);
  await soon(() => assert.deepEqual(leftProcesses(`bulkhead-${job.key}`), []));
}

export async function assertNoObjects(job: Job): Promise<void> {
  assert.deepEqual(await listJobObjects(podman, job.key), { containers: [], volumes: [], networks: [] });
}

/** Cache volumes outlive their jobs by design, but not the tests. */
export async function removeCaches(jobs: readonly Job[]): Promise<void> {
  const tiers = ['all', 'protected', 'unprotected'] as const;
  for (const name of new Set(jobs.flatMap((job) => tiers.map((tier) => cacheName(job, tier))))) {
    try {
      await podman.getVolume(name).remove();
    } catch (error) {
      if (statusCode(error) !== 404) throw error;
    }
  }
}

/** Tries until it holds; the limit ends a test that would hang. */
export async function soon(assertion: () => void | Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await assertion();
    } catch (error) {
      if (tries === 300) throw error;
      await sleep(100);
    }
  }
}

/**
 * Less the monitors of finished execs: for set-up's `exit_command_delay`, Podman keeps them, whether or not the container still is.
 */
function leftProcesses(text: string): number[] {
  const monitors = processesWith('--exec-process-spec');
  return processesWith(text).filter((pid) => !monitors.includes(pid));
}
