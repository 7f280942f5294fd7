import { readFile, statfs } from 'node:fs/promises';
import { seenBy } from '../host/disk-usage.ts';
import { glanceMs } from '../host/disk-watch.ts';
import { formatSize } from '../policy/units.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import type { Bundle } from './bundle.ts';
import type { Observation } from './guarantee.ts';
import { proven, unavailable, violated } from './observation.ts';
import type { HostFacts } from './sandbox-facts.ts';

/** What must be known of a sandbox. */
export type Sighting = Pick<HostFacts, 'container' | 'bundle'>;

/** Where a sandbox may write to the host, seen on the bundle that runsc was given and on the kernel's mounts. */
export interface WritableGround {
  readonly readOnlyRoot: boolean;
  /** Mounts of the host that the sandbox may write to. Those in gVisor's own memory are none of the disk's. */
  readonly mounts: readonly WritableMount[];
}

export interface WritableMount {
  /** Path in the sandbox. */
  readonly target: string;
  /** Whether a filesystem in memory is behind it. */
  readonly tmpfs: boolean;
  /** Size of the filesystem in bytes; 0 is a tmpfs without a bound. */
  readonly bytes: number;
}

const tmpfsMagic = 0x01021994;
const remedy = 'Look for a volume of the same name that something else made.';

/**
 * Observes what bounds the disk that a job's running sandboxes can use.
 * @param facts of every sandbox of the job.
 * @param limit the policy's limits.disk in bytes; null is unlimited.
 */
export async function observeDiskLimit(facts: readonly Sighting[], limit: number | null): Promise<Observation> {
  if (limit === null) {
    return unavailable('the policy demands no limits.disk', 'Set it under "limits" in the policy.');
  }
  const grounds: WritableGround[] = [];
  for (const { container, bundle } of facts) {
    if ('unseen' in bundle)
      return unavailable(bundle.unseen, 'Run the driver as root, or as the user that owns Podman.');
    try {
      grounds.push(await surveyGround(container.pid, bundle.seen));
    } catch (error) {
      return unavailable(
        `the file systems behind the sandbox cannot be seen: ${(error as Error).message}`,
        'Run the driver as root, or as the user that owns Podman.',
      );
    }
  }
  return judgeDisk(grounds, limit);
}

/** Pure: what was seen → what it is worth. Only a bound that the kernel keeps proves anything. */
export function judgeDisk(grounds: readonly WritableGround[], limit: number): Observation {
  const builds = grounds.flatMap(({ mounts }) => mounts.filter(({ target }) => target === sandboxPaths.builds));
  const tooBig = builds.find(({ tmpfs, bytes }) => tmpfs && (bytes === 0 || bytes > limit));
  if (grounds.length === 0 || builds.length === 0) return violated('no sandbox with a builds volume runs', remedy);
  if (tooBig !== undefined) {
    return violated(
      `the builds volume has room for ${tooBig.bytes || 'any number of'} bytes, not for ${limit}`,
      remedy,
    );
  }
  const onDisk = new Set(
    grounds.flatMap(({ mounts }) => mounts.filter(({ tmpfs }) => !tmpfs)).map(({ target }) => target),
  );
  if (grounds.some(({ readOnlyRoot }) => !readOnlyRoot)) onDisk.add('/');
  if (onDisk.size > 0) {
    return unavailable(
      `nothing but a watcher bounds ${[...onDisk].sort().join(', ')}: it looks every ${glanceMs / 1000} s, and a burst can pass it`,
      'In the policy: builds "memory", rootFilesystem "read-only", cache "none".',
    );
  }
  return proven(`root filesystems read-only, builds volume a tmpfs of ${formatSize(builds[0]?.bytes ?? 0)}`);
}

async function surveyGround(pid: number, { root, mounts }: Bundle): Promise<WritableGround> {
  const writable = mounts.filter(({ type, options = [] }) => isBind(type, options) && !options.includes('ro'));
  return {
    readOnlyRoot: root.readonly === true,
    mounts: await Promise.all(writable.map(({ destination, source = '' }) => surveyMount(pid, destination, source))),
  };
}

function isBind(type: string | undefined, options: readonly string[]): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

/** The source is a path in Podman's mount namespace: conmon, the sandbox's parent, is in there. */
async function surveyMount(pid: number, target: string, source: string): Promise<WritableMount> {
  const { type, blocks, bsize } = await statfs(seenBy(await parentOf(pid), source));
  return { target, tmpfs: type === tmpfsMagic, bytes: blocks * bsize };
}

async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\t(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
