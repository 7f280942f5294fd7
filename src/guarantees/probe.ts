import * as z from 'zod';
import { sandboxPaths } from '../sandbox/layout.ts';

/**
 * System calls that the probe can make: probe/probe.c knows arguments for them that do no harm, and unfiltered, gVisor
 * answers none of them with EPERM, whatever the capabilities.
 */
export const probeCalls = [
  'add_key',
  'fanotify_init',
  'fsopen',
  'get_mempolicy',
  'io_uring_enter',
  'io_uring_register',
  'io_uring_setup',
  'keyctl',
  'landlock_create_ruleset',
  'mbind',
  'memfd_secret',
  'move_mount',
  'name_to_handle_at',
  'open_by_handle_at',
  'open_tree',
  'perf_event_open',
  'pidfd_getfd',
  'process_madvise',
  'process_vm_readv',
  'process_vm_writev',
  'ptrace',
  'request_key',
  'set_mempolicy',
  'setns',
  'syslog',
  'unshare',
  'userfaultfd',
  'vmsplice',
] as const;

const capabilitySet = z.string().regex(/^[0-9a-f]{16}$/);
const errno = z.number().int().min(0).max(4095);

const reportSchema = z.strictObject({
  version: z.literal(2),
  uid: z.number().int().nonnegative(),
  gid: z.number().int().nonnegative(),
  /** prctl(PR_GET_NO_NEW_PRIVS). */
  noNewPrivileges: z.number().int(),
  /** Lines of /proc/self/status; null where gVisor has no such line. */
  status: z.strictObject({
    Groups: z.string().nullable(),
    CapInh: capabilitySet,
    CapPrm: capabilitySet,
    CapEff: capabilitySet,
    CapBnd: capabilitySet,
    CapAmb: capabilitySet.nullable(),
    Seccomp: z.enum(['0', '1', '2']),
  }),
  /** errno of making a file in /; 0 means that it was made (and removed). */
  rootCreation: errno,
  /** errno of opening a file on a read-only mount to write and empty it, and how many bytes it has left. */
  truncation: z.tuple([errno, z.number().int().nonnegative()]),
  /** Path, options and file system type of each line of /proc/self/mountinfo. */
  mounts: z.array(z.tuple([z.string(), z.string(), z.string()])),
  interfaces: z.array(z.string()).nullable(),
  /** Whether an IPv4 route leads everywhere; null where there is no list of routes. */
  defaultRoute: z.boolean().nullable(),
  /** errno by system call; 0 means that the kernel carried it out. */
  systemCalls: z.record(z.string(), errno),
  /** errno of connecting, by `<address>:<port>`; 0 means that something answered. */
  connections: z.record(z.string(), errno),
});

/** What the probe saw in a sandbox. */
export type ProbeReport = z.infer<typeof reportSchema>;

/** The most that the probe writes, in bytes. */
export const longestReport = 65536;

/**
 * argv of the probe.
 * @param systemCalls those whose answer is wanted, of `probeCalls`.
 * @param destinations to connect to, as `<IPv4 address>:<port>`.
 */
export function probeCommand(systemCalls: readonly string[], destinations: readonly string[] = []): string[] {
  return [sandboxPaths.probe, ...systemCalls, ...destinations];
}

/** The report, or what is wrong with it. */
export function parseProbe(text: string): { readonly report: ProbeReport } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { problem: `its report is not JSON: ${(error as Error).message}` };
  }
  const result = reportSchema.safeParse(json);
  if (result.success) return { report: result.data };
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return { problem: `its report lacks something: ${problems.join('; ')}` };
}
