import { readdir, stat, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A tree that takes longer than this to walk is not measured: the next try may be luckier. */
const walkTimeoutMs = 120_000;
/** stat(2) counts in these, whatever the filesystem. */
const statBlockBytes = 512;

/** Where on the host a job's writes end up. */
export interface DiskPlaces {
  /** Absolute paths, as Podman sees them: the volumes, and what each sandbox writes beside its image. */
  readonly folders: readonly string[];
  /** The sandbox processes: they hold open what the job has deleted but still uses. */
  readonly sandboxes: readonly number[];
  /** A process in Podman's user and mount namespace (a conmon). */
  readonly witness: number;
}

/**
 * Bytes that the places really take: holes count nothing, hard links once, and a deleted file for as long as the job keeps it
 * open. Files belong to subordinate ids and volumes may be mounted where only Podman sees them, so a walker goes into the
 * namespaces of `witness`: allowed to root, and to the user whose namespaces they are.
 * @throws Error when that is not possible, or takes more than two minutes.
 */
export async function diskUsage({ folders, sandboxes, witness }: DiskPlaces): Promise<number> {
  const enter = ['--target', String(witness), '--user', '--mount', '--'];
  const walk = walkCommand(folders);
  const devices = new Set<number>();
  for (const folder of folders) devices.add((await stat(seenBy(witness, folder))).dev);
  // Loaded here: most stages end before anybody measures.
  const { execFile } = await import('node:child_process');
  // What vanishes while it walks makes du fail, and is no failure. Without a total it did not run at all.
  const { stdout, cause } = await promisify(execFile)('nsenter', [...enter, ...walk], {
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' },
    timeout: walkTimeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 16 * 1024 * 1024,
  }).then(
    ({ stdout }) => ({ stdout, cause: undefined }),
    (error: Error & { stdout?: string }) => ({ stdout: error.stdout ?? '', cause: error }),
  );
  const total = parseTotal(stdout);
  if (total === undefined) throw new Error(`du gave no total: ${cause?.message ?? 'it said nothing'}`, { cause });
  return total + (await deletedButOpen(sandboxes, devices));
}

/** Bytes taken on the filesystems that hold the places, by whomever: one call each, so it can be asked often. */
export async function filesystemUsage({ folders, witness }: DiskPlaces): Promise<number> {
  const taken = new Map<number, number>();
  for (const folder of folders) {
    const path = seenBy(witness, folder);
    const { dev } = await stat(path);
    if (taken.has(dev)) continue;
    const { blocks, bfree, bsize } = await statfs(path);
    taken.set(dev, (blocks - bfree) * bsize);
  }
  return [...taken.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** The path as a process in other namespaces sees it. */
export function seenBy(pid: number, path: string): string {
  return `/proc/${pid}/root${path}`;
}

/** Coreutils' du. It stays on each folder's own filesystem: nothing that is mounted below is the job's to answer for. */
export function walkCommand(folders: readonly string[]): string[] {
  return ['du', '--summarize', '--total', '--one-file-system', '--block-size=1', '--', ...folders];
}

export function parseTotal(output: string): number | undefined {
  const found = /(?:^|\n)([0-9]+)\ttotal\n$/.exec(output)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Bytes of regular files without a name on these devices that the processes hold open. Memory files are on others. */
export async function deletedButOpen(pids: readonly number[], devices: ReadonlySet<number>): Promise<number> {
  const found = new Map<string, number>();
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    // A sandbox that ended holds nothing.
    for (const name of await readdir(folder).catch(() => [])) {
      const status = await stat(`${folder}/${name}`).catch(() => undefined);
      if (!status?.isFile() || status.nlink > 0 || !devices.has(status.dev)) continue;
      found.set(`${status.dev}:${status.ino}`, status.blocks * statBlockBytes);
    }
  }
  return [...found.values()].reduce((sum, bytes) => sum + bytes, 0);
}
