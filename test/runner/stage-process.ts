import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesWith } from '../integration/host.ts';
import type { ServerJob } from './gitlab/server-job.ts';

/** Waits for the driver's process of this stage of the job; returns its pid. */
export async function stageProcess(job: ServerJob, stage: string): Promise<number> {
  for (let tries = 0; tries < 10_000; tries += 1) {
    const pid = processesWith(`dist/bulkhead.cjs\0${stage}\0`).find((each) => isOf(each, job));
    if (pid !== undefined) return pid;
    await sleep(5);
  }
  throw new Error(`job ${job.id} has no ${stage}:\n${job.log}`);
}

/** Waits until the process, which is stopped, has been sent SIGTERM. */
export async function sentTerm(pid: number): Promise<void> {
  for (let tries = 0; tries < 2000; tries += 1) {
    const [, pending = '0'] = /^ShdPnd:\t([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    if ((BigInt(`0x${pending}`) & (1n << 14n)) !== 0n) return;
    await sleep(20);
  }
  throw new Error(`process ${pid} was not sent SIGTERM`);
}

function isOf(pid: number, job: ServerJob): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`\0CUSTOM_ENV_CI_JOB_ID=${job.id}\0`);
  } catch {
    return false;
  }
}
