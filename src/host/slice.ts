import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCgroupFile } from './cgroup.ts';
import { type HostPaths, hostPaths, type UserManager } from './user-manager.ts';

/** What all sandboxes in a slice together may use. What is undefined is not limited. */
export interface SliceLimits {
  readonly memoryBytes: number | undefined;
  /** Processors; a fraction is one's share of time. */
  readonly cpus: number | undefined;
  /** Tasks as the host's kernel counts them: threads, those of gVisor included. */
  readonly pids: number | undefined;
}

const systemd = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'] as const;
const startPatienceMs = 10_000;
const emptyPatienceMs = 3_000;

/**
 * The slice of one job. All are children of `bulkhead.slice`, where an operator can limit all jobs together. In a slice's
 * name `-` separates parent from child, so those of the key must go.
 */
export function sliceName(jobKey: string): string {
  return `bulkhead-job${jobKey.replaceAll('-', '_')}.slice`;
}

/** The slice of one service, by its place in the job's list: inside the job's, as the further `-` says. */
export function serviceSliceName(jobKey: string, index: number): string {
  return sliceName(jobKey).replace(/\.slice$/, `-service${index}.slice`);
}

/**
 * Makes the job's slice with its limits, before any container is in it. A left-over one of the same job goes first.
 * @returns the slice's folder below /sys/fs/cgroup.
 * @throws Error with systemd's own words.
 */
export async function createSlice(manager: UserManager, jobKey: string, limits: SliceLimits): Promise<string> {
  await removeSlice(manager, jobKey);
  return await startSlice(manager, sliceName(jobKey), sliceProperties(limits));
}

/**
 * Makes the slice of one of the job's services, inside the job's, which must be there. It goes with the job's.
 * @param index the service's place in the job's list.
 * @throws Error with systemd's own words.
 */
export async function createServiceSlice(
  manager: UserManager,
  jobKey: string,
  index: number,
  memoryBytes: number,
): Promise<string> {
  const limits = { memoryBytes, cpus: undefined, pids: undefined };
  return await startSlice(manager, serviceSliceName(jobKey, index), sliceProperties(limits, 'A service of a CI job'));
}

async function startSlice(
  manager: UserManager,
  name: string,
  properties: readonly [name: string, type: string, value: string][],
): Promise<string> {
  await manager.run(
    'busctl',
    'call',
    ...systemd,
    'StartTransientUnit',
    'ssa(sv)a(sa(sv))',
    name,
    'fail',
    String(properties.length),
    ...properties.flat(),
    '0',
  );
  // The answer came when the start was queued.
  const deadline = Date.now() + startPatienceMs;
  for (;;) {
    const folder = await folderOf(manager, name);
    if (folder !== undefined) return folder;
    if (Date.now() > deadline) throw new Error(`systemd did not start ${name}`);
    await sleep(20);
  }
}

/** Name, D-Bus type and value of each property, as systemd's StartTransientUnit wants them. */
export function sliceProperties(
  { memoryBytes, cpus, pids }: SliceLimits,
  description = 'A CI job',
): [name: string, type: string, value: string][] {
  const properties: [string, string, string | undefined][] = [
    ['Description', 's', `${description} of Bulkhead`],
    ['MemoryMax', 't', memoryBytes?.toFixed()],
    // Memory that was moved to swap would not count, and slow down everybody else.
    ['MemorySwapMax', 't', memoryBytes === undefined ? undefined : '0'],
    ['TasksMax', 't', pids?.toFixed()],
    ['CPUQuotaPerSecUSec', 't', cpus === undefined ? undefined : Math.floor(cpus * 1_000_000).toFixed()],
  ];
  return properties.filter((property): property is [string, string, string] => property[2] !== undefined);
}

/** Where the job's slice is below /sys/fs/cgroup; undefined when it is not there. @throws Error with systemd's words. */
export async function sliceFolder(
  manager: UserManager,
  jobKey: string,
  paths: HostPaths = hostPaths,
): Promise<string | undefined> {
  return await folderOf(manager, sliceName(jobKey), paths);
}

/** The same for the slice of a service. */
export async function serviceSliceFolder(
  manager: UserManager,
  jobKey: string,
  index: number,
): Promise<string | undefined> {
  return await folderOf(manager, serviceSliceName(jobKey, index));
}

async function folderOf(manager: UserManager, name: string, paths: HostPaths = hostPaths): Promise<string | undefined> {
  const text = await manager.run('systemctl', 'show', '--property=ActiveState,ControlGroup', name);
  const { ActiveState, ControlGroup } = Object.fromEntries(text.split('\n').map((line) => line.split('=', 2)));
  return ActiveState === 'active' && ControlGroup ? join(paths.cgroup, ControlGroup) : undefined;
}

/**
 * Removes the job's slice, with those of its services and whatever still runs in them; none is no failure. The units exist in
 * systemd's memory only, so nothing stays behind.
 * @returns whether there was one.
 * @throws Error with systemd's own words.
 */
export async function removeSlice(manager: UserManager, jobKey: string): Promise<boolean> {
  const folder = await sliceFolder(manager, jobKey);
  if (folder === undefined) return false;
  // Podman's own last words to a container that just ended run in here, too.
  const deadline = Date.now() + emptyPatienceMs;
  while ((await isPopulated(folder)) && Date.now() < deadline) await sleep(50);
  if (await isPopulated(folder)) await writeFile(join(folder, 'cgroup.kill'), '1').catch(ignoreGone);
  // Units within it stop with it: each requires its slice.
  await manager.run('systemctl', 'stop', sliceName(jobKey));
  return true;
}

async function isPopulated(folder: string): Promise<boolean> {
  return /^populated 1$/m.test((await readCgroupFile(folder, 'cgroup.events')) ?? '');
}

function ignoreGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ENODEV') throw error;
}
