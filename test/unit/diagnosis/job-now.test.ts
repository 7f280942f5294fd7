import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { concludeLiveJob } from '../../../src/diagnosis/job-now.ts';
import type { JobOutcome } from '../../../src/orphans/remove-orphans.ts';
import type { SandboxState } from '../../../src/podman/sandbox-states.ts';
import { claimed } from '../orphans/samples.ts';

const runs = { orphan: false, reason: 'runner-running', text: 'its runner process 7 runs' } as const;
const gone = { orphan: true, reason: 'runner-gone', text: 'its runner process 7 is gone' } as const;
const job = (verdict: JobOutcome['verdict']): JobOutcome => ({
  objects: [claimed()],
  verdict,
  action: 'kept',
  removed: { container: 0, volume: 0, network: 0 },
  inUse: [],
});
const sandbox = (changes: Partial<SandboxState> = {}): SandboxState => ({
  role: 'build',
  image: 'localhost/a:1',
  state: 'running',
  exitCode: 0,
  oomKilled: false,
  runtime: 'runsc',
  ...changes,
});
const courier = sandbox({ role: 'courier', state: 'created' });

suite('a job that Podman has objects of', () => {
  for (const [what, verdict, sandboxes, state, fault, seen] of [
    ['runs', runs, [sandbox(), courier], 'running', 'nobody', []],
    ['is being prepared', runs, [courier, sandbox({ state: 'created' })], 'running', 'nobody', []],
    [
      'has a sandbox that ended',
      runs,
      [sandbox({ state: 'exited', exitCode: 137, oomKilled: true }), courier],
      'running',
      'system',
      ['sandbox-ended: the build sandbox is exited, exit code 137, killed for its memory'],
    ],
    ['is an orphan', gone, [sandbox()], 'ended', 'operator', ['leaked-objects: its runner process 7 is gone']],
  ] as const) {
    test(what, () => {
      const diagnosis = concludeLiveJob(job(verdict), sandboxes);
      assert.deepEqual([diagnosis.state, diagnosis.fault], [state, fault]);
      assert.deepEqual(
        diagnosis.findings.map(({ symptom, excerpt }) => `${symptom.id}: ${excerpt}`),
        seen,
      );
    });
  }
});
