import type { JobObject, StrangeObject } from '../../orphans/claim.ts';
import { countKinds } from '../../orphans/remove-orphans.ts';
import { formatTime, type Verdict } from '../../orphans/verdict.ts';
import type { SandboxState } from '../../podman/sandbox-states.ts';
import { count, line } from '../print.ts';

export interface ListedJob {
  /** At least one. */
  readonly objects: readonly JobObject[];
  readonly verdict: Verdict;
  readonly sandboxes: readonly SandboxState[];
}

/** For stdout: a line for each job, below it one for each of its containers. */
export function describeJobs(jobs: readonly ListedJob[], now: number): string[] {
  return jobs.flatMap(({ objects, verdict, sandboxes }) => {
    const [first] = objects;
    const { made, deadline } = timesOf(objects);
    const age = made === undefined ? 'of unknown age' : `for ${formatSpan(now - made)}`;
    const policy = first === undefined ? '' : `, policy "${first.policy.name}"`;
    const width = (field: 'role' | 'state' | 'runtime') =>
      Math.max(...sandboxes.map((sandbox) => sandbox[field].length));
    const [role, state, runtime] = [width('role'), width('state'), width('runtime')];
    return [
      line(
        `job ${first?.jobId} of ${first?.instance} (${first?.jobKey})${policy}, ${age}, until ${formatTime(deadline)}`,
      ),
      line(`  ${verdict.orphan ? 'ORPHAN: ' : ''}${verdict.text}`),
      ...sandboxes.map((sandbox) =>
        line(
          `  ${sandbox.role.padEnd(role)}  ${sandbox.state.padEnd(state)}  ${sandbox.runtime.padEnd(runtime)}  ${sandbox.image}`,
        ),
      ),
    ];
  });
}

/** For stderr. */
export function notePs(jobs: readonly ListedJob[], strange: readonly StrangeObject[]): string[] {
  const orphans = jobs.filter(({ verdict }) => verdict.orphan).length;
  return [
    ...strange.map(({ object, why }) => line(`not listed: ${object.kind} ${object.name}: ${why}`)),
    `${count(jobs.length, 'job')}${orphans === 0 ? '' : `, ${count(orphans, 'orphan')} among them: run bulkhead gc`}`,
  ];
}

/** The stable shape that docs/gc.md describes. */
export function psJson(jobs: readonly ListedJob[], strange: readonly StrangeObject[]): object {
  return {
    schemaVersion: 1,
    jobs: jobs.map(({ objects, verdict, sandboxes }) => {
      const [first] = objects;
      const { made, deadline } = timesOf(objects);
      return {
        key: first?.jobKey,
        id: first?.jobId,
        instance: first?.instance,
        policy: first?.policy.name,
        made: made === undefined ? null : formatTime(made),
        deadline: formatTime(deadline),
        orphan: verdict.orphan,
        reason: verdict.reason,
        why: verdict.text,
        objects: countKinds(objects),
        sandboxes: sandboxes.map(({ role, state, exitCode, oomKilled, runtime, image }) => ({
          role,
          state,
          exitCode: state === 'running' || state === 'created' ? null : exitCode,
          oomKilled,
          runtime,
          image,
        })),
      };
    }),
    strange: strange.map(({ object: { kind, name }, why }) => ({ kind, name, why })),
  };
}

/** Unix times in seconds: since when there is something of the job, and when nobody can need it any more. */
function timesOf(objects: readonly JobObject[]): { made: number | undefined; deadline: number } {
  const times = objects.flatMap(({ object }) => object.createdAt ?? []);
  return {
    made: times.length === 0 ? undefined : Math.min(...times),
    deadline: Math.max(...objects.map(({ deadline }) => deadline)),
  };
}

/** `40s`, `12min`, `3h 5min`, `2d 4h`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}min`;
  return minutes > 0 ? `${minutes}min` : `${whole}s`;
}
