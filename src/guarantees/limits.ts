import { join } from 'node:path';
import { type CgroupLimit, readCgroupFile, readCpuLimit, readLimit } from '../host/cgroup.ts';
import type { SliceLimits } from '../host/slice.ts';
import { type HostPaths, hostPaths } from '../host/user-manager.ts';
import type { Observation } from './guarantee.ts';
import { proven, unavailable, violated } from './observation.ts';

/** A service of the job with a limit of memory of its own. */
export interface LimitedService {
  /** What it is called, for people. */
  readonly role: string;
  /** Its sandbox process. */
  readonly pid: number;
  /** Name of its slice. */
  readonly slice: string;
  readonly memoryBytes: number;
}

/** The guarantees that the job's slice gives. */
export type LimitName = 'limits.memory' | 'limits.pids' | 'limits.cpu';

/** The folders of the slice and of every cgroup around it, the slice's first; or what speaks against its limits holding. */
type Place = { readonly folders: readonly string[] } | { readonly obstacle: Observation };

interface Demand {
  /** The file of the cgroup. */
  readonly file: string;
  readonly limit: number | undefined;
  readonly read: (folder: string) => Promise<CgroupLimit | undefined>;
}

/**
 * Observes what limits the kernel holds the job's sandboxes to: not what Podman was asked for (it takes limits that runsc
 * then ignores), nor what systemd says it did.
 * @param pids the sandbox processes of the job, all of them: one outside the slice breaks every limit.
 * @param slice name of the job's slice.
 * @param services each with a limit of its own within the job's, which `limits.memory` promises as well.
 */
export async function observeLimits(
  pids: readonly number[],
  slice: string,
  limits: SliceLimits,
  services: readonly LimitedService[] = [],
  paths: HostPaths = hostPaths,
): Promise<Record<LimitName, Observation>> {
  const [job, ...others] = await Promise.all([
    observeSlice(pids, slice, "the job's slice", limits, paths),
    ...services.map(async ({ role, pid, slice, memoryBytes }) => {
      const own = { memoryBytes, pids: undefined, cpus: undefined };
      const seen = await observeSlice([pid], slice, `the slice of ${role}`, own, paths);
      return { role, memory: seen['limits.memory'] };
    }),
  ]);
  return { ...job, 'limits.memory': others.reduce(withService, job['limits.memory']) };
}

/** Pure. The worst counts; of what holds everything is told. */
function withService(job: Observation, { role, memory }: { role: string; memory: Observation }): Observation {
  if (job.state === 'violated' || memory.state === 'violated') return job.state === 'violated' ? job : memory;
  if (job.state === 'unavailable' || memory.state === 'unavailable') return job.state === 'unavailable' ? job : memory;
  return proven(`${job.evidence}; ${role}: ${memory.evidence}`);
}

/** @param name of the slice, for people. */
async function observeSlice(
  pids: readonly number[],
  slice: string,
  name: string,
  limits: SliceLimits,
  paths: HostPaths,
): Promise<Record<LimitName, Observation>> {
  const place = await findSlice(pids, slice, paths);
  const observe = async ({ file, limit, read }: Demand): Promise<Observation> => {
    if (limit === undefined)
      return unavailable(`the policy demands no ${file}`, 'Set it under "limits" in the policy.');
    return 'obstacle' in place
      ? place.obstacle
      : compare(name, file, limit, await Promise.all(place.folders.map(read)));
  };
  const plain = (file: string, limit: number | undefined): Demand => ({
    file,
    limit,
    read: (folder) => readLimit(folder, file),
  });
  const { memoryBytes, pids: tasks, cpus } = limits;
  const [memory, swap, pid, cpu] = await Promise.all([
    observe(plain('memory.max', memoryBytes)),
    observe(plain('memory.swap.max', memoryBytes === undefined ? undefined : 0)),
    observe(plain('pids.max', tasks)),
    observe({ file: 'cpu.max', limit: cpus, read: readCpuLimit }),
  ]);
  return { 'limits.memory': both(memory, swap), 'limits.pids': pid, 'limits.cpu': cpu };
}

async function findSlice(pids: readonly number[], slice: string, { proc, cgroup }: HostPaths): Promise<Place> {
  if (pids.length === 0) return elsewhere('there is no sandbox process to look at');
  let folders: readonly string[] = [];
  for (const pid of pids) {
    const text = await readCgroupFile(join(proc, String(pid)), 'cgroup');
    if (text === undefined) return elsewhere(`the sandbox process ${pid} does not exist`);
    const path = /^0::(\/.*)$/m.exec(text)?.[1];
    // Beside version 2's one line, a host in hybrid mode has one for each controller that version 1 keeps.
    if (path === undefined || /^\d+:[^:]*\b(memory|pids|cpu)\b/m.test(text)) return { obstacle: versionOne };
    const names = path.split('/').slice(1);
    const depth = names.indexOf(slice);
    if (depth === -1) return elsewhere(`the sandbox process ${pid} is in the cgroup ${path}, not in ${slice}`);
    folders = names.slice(0, depth + 1).map((_, index) => join(cgroup, ...names.slice(0, depth + 1 - index)));
  }
  return { folders };
}

const versionOne = unavailable(
  'this host uses cgroup version 1 (or both versions at once), whose limits rootless Podman cannot use',
  'Boot with systemd.unified_cgroup_hierarchy=1 on the kernel command line.',
);

const elsewhere = (reason: string): Place => ({
  obstacle: violated(
    reason,
    'Let the Podman service use cgroup_manager = "systemd" (containers.conf), and see its log.',
  ),
});

/** Pure: the kernel holds a process to the tightest limit of its cgroup and of all around it. */
function compare(name: string, file: string, limit: number, found: readonly (CgroupLimit | undefined)[]): Observation {
  const [own, ...around] = found;
  if (own === undefined) {
    return unavailable(
      `${name} has no ${file}: its cgroup controller is not enabled there`,
      'Let systemd delegate the controllers cpu, memory and pids to the user that owns Podman.',
    );
  }
  if (own === 'max' || own > limit) {
    return violated(
      `${file} of ${name} is ${own}, not ${limit}`,
      'Look for something on this host that changes the slices of Bulkhead while jobs run.',
    );
  }
  const tightest = Math.min(own, ...around.filter((value) => typeof value === 'number'));
  return proven(`${file} ${own}${tightest < own ? `, and only ${tightest} around it` : ''}`);
}

/** A limit of two files holds when both do. */
function both(first: Observation, second: Observation): Observation {
  if (first.state !== 'proven') return first;
  return second.state === 'proven' ? proven(`${first.evidence}, ${second.evidence}`) : second;
}
