import { readFileSync, readlinkSync, statSync } from 'node:fs';

/** In which /proc counts time, on every machine that Node runs on (USER_HZ). */
const ticksPerSecond = 100;
/**
 * As near as /proc's times come to the clock's: a tick of 10 ms, and one of the kernel's for the time of a file. No more: a GitLab Runner
 * that finds a job waiting writes it down 50 ms after it was started.
 */
const inexactMs = 15;

/** The part of /proc/<pid>/stat that counts here. */
interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly threads: number;
  /** In clock ticks since boot. */
  readonly start: string;
}

/** @throws the errors of readFile, ENOENT among them. */
function readStat(pid: number): Stat {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces and parentheses; fields count from the last one, state being field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent, group] = fields;
  return {
    state,
    parent: Number(parent),
    group: Number(group),
    threads: Number(fields[17]),
    start: fields[19] ?? '',
  };
}

/**
 * `<pid>:<start time in clock ticks since boot>@<place>`: unlike the pid alone, never used twice. The place says where the
 * two numbers mean something; where that cannot be told, there is none, and nobody will take the process for gone.
 * @throws the errors of readFile: ENOENT when there is no such process.
 */
export async function processIdentity(pid: number): Promise<string> {
  const { start } = readStat(pid);
  const place = processPlace();
  return place === undefined ? `${pid}:${start}` : `${pid}:${start}@${place}`;
}

/**
 * The identity of the GitLab Runner process that called this driver for a job. Between it and us may stand what lives no
 * longer than a stage: a wrapper script, sudo, su. GitLab Runner starts each stage in a process group of its own, after it has
 * written down the job; so the first process above us counts that is not in our group and is older than that file.
 * @param jobFile JOB_RESPONSE_FILE.
 * @returns `unknown` when no such process can be seen, as when it is not in our pid namespace.
 */
export async function runnerIdentity(jobFile: string): Promise<string> {
  try {
    const { group } = readStat(process.pid);
    const writtenMs = statSync(jobFile).mtimeMs;
    let pid = process.ppid;
    for (let above = readStat(pid); ; above = readStat(pid)) {
      if (above.group !== group && startedMs(above) + inexactMs < writtenMs) return await processIdentity(pid);
      pid = above.parent;
    }
  } catch {
    // Pid 0 stands for a parent out of sight, and has no file in /proc.
    return 'unknown';
  }
}

/** Unix time in milliseconds, exact to a tick. */
function startedMs({ start }: Stat): number {
  return bootedMs() + (Number(start) / ticksPerSecond) * 1000;
}

/** When this machine was booted: Unix time in milliseconds, by what the clock says now. */
export function bootedMs(): number {
  return Date.now() - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
}

/**
 * Where pids and start times mean what they mean here: `<boot id>/<pid namespace>/<time namespace>`. Another machine, or this
 * one after a reboot, has another boot id; a container another pid namespace; a time namespace shifts the start times.
 * undefined when /proc is not of our own pid namespace.
 */
export function processPlace(proc = '/proc'): string | undefined {
  try {
    if (readlinkSync(`${proc}/self`) !== String(process.pid)) return undefined;
    const boot = readFileSync(`${proc}/sys/kernel/random/boot_id`, 'utf8').trim();
    const pids = /\d+/.exec(readlinkSync(`${proc}/self/ns/pid`))?.[0];
    if (boot === '' || pids === undefined) return undefined;
    return `${boot}/${pids}/${timeNamespace(proc)}`;
  } catch {
    return undefined;
  }
}

/** Kernels before 5.6 have none, and shift nothing. */
function timeNamespace(proc: string): string {
  try {
    return /\d+/.exec(readlinkSync(`${proc}/self/ns/time`))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

/** What can be said of a process that was named by its identity. */
export type ProcessState =
  | { readonly state: 'running' }
  | { readonly state: 'gone' }
  /** `earlierBoot`: its machine was another one, or this one before it was booted. */
  | { readonly state: 'unknown'; readonly why: string; readonly earlierBoot: boolean };

/**
 * Whether a process still runs. Works for processes of other users too, even where /proc hides them (`hidepid`): who is not
 * seen there is not gone, only who cannot be sent a signal for lack of a process.
 * @param identity as processIdentity wrote it.
 * @param place of the one who asks.
 */
export function processState(identity: string, place: string | undefined = processPlace()): ProcessState {
  const unknown = (why: string, earlierBoot = false) => ({ state: 'unknown', why, earlierBoot }) as const;
  const [, digits, start, there] = /^([1-9]\d{0,9}):(\d{1,20})@([0-9a-zA-Z-]+\/\d+\/\d+)$/.exec(identity) ?? [];
  if (digits === undefined || there === undefined) return unknown('it does not say where its process is');
  if (place === undefined) return unknown('/proc is not that of our own pid namespace');
  if (place !== there) {
    if (place.split('/')[0] !== there.split('/')[0]) return unknown('its process is of another machine or boot', true);
    return unknown('its process is in another namespace (in or outside a container)');
  }
  const pid = Number(digits);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return { state: 'gone' };
  }
  try {
    const stat = readStat(pid);
    if (stat.start !== start) return { state: 'gone' };
    // Nobody has fetched its exit code. A leader that ended before its threads looks alike, but has some.
    if (stat.state === 'Z' && stat.threads <= 1) return { state: 'gone' };
    return { state: 'running' };
  } catch {
    return unknown('its process cannot be looked at');
  }
}
