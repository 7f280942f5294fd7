import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { currentFile, formatLine, genesis, type Head, sha256 } from '../../../src/receipts/chain.ts';
import type { ReceiptRecord } from '../../../src/receipts/record.ts';

export const finished: ReceiptRecord = {
  kind: 'finished',
  job: {
    key: '4711-0123456789ab',
    id: 4711,
    instance: 'https://gitlab.example.com',
    projectId: 42,
    projectPath: 'g/p',
  },
  runnerProcess: '123:456789',
  bulkhead: '0.1.0',
  removed: 6,
  durations: { total: 812 },
};

export const prepared: ReceiptRecord = {
  ...finished,
  kind: 'prepared',
  policy: { name: 'baseline', hash: '0123456789abcdef', assignment: '/etc/bulkhead/policies/assignments.json:12' },
  images: {
    helper: { reference: 'localhost/bulkhead-helper:latest', id: `sha256:${'1'.repeat(64)}` },
    build: {
      reference: 'docker.io/library/debian:12',
      id: `sha256:${'2'.repeat(64)}`,
      digest: `sha256:${'3'.repeat(64)}`,
    },
  },
  runtime: { version: 'release-20240729.0', flags: ['--oci-seccomp=true'] },
  guarantees: {
    gvisor: { state: 'proven', evidence: 'sandbox process 4242 is runsc-sandbox' },
    'limits.memory': { state: 'unavailable', reason: 'cgroup v1', remedy: 'boot with cgroup v2' },
  },
};
// Of `finished`, and of no other kind.
delete (prepared as { removed?: number }).removed;

export const refused: ReceiptRecord = {
  kind: 'refused',
  job: finished.job,
  runnerProcess: finished.runnerProcess,
  bulkhead: finished.bulkhead,
  outcome: { code: 'policy-image-refused', message: 'image docker.io/library/evil:1 is not allowed' },
  images: { build: { reference: 'docker.io/library/evil:1' } },
  durations: { total: 3 },
};

const time = new Date('2026-01-02T03:04:05.678Z');

/** The lines of a chain, with no process or disk involved. */
export function chainOf(count: number, before: Head = genesis): { lines: string[]; head: Head } {
  const lines: string[] = [];
  let head = before;
  for (let n = 0; n < count; n++) {
    const line = formatLine(head, time, { kind: 'finished', n });
    lines.push(line);
    head = { sequence: head.sequence + 1, hash: sha256(Buffer.from(line)) };
  }
  return { lines, head };
}

export function writeLines(folder: string, lines: readonly (string | Buffer)[], name = currentFile): void {
  writeFileSync(
    join(folder, name),
    Buffer.concat(lines.map((line) => Buffer.concat([Buffer.from(line), Buffer.from('\n')]))),
  );
}
