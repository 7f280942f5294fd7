/** gVisor's own network stack, or the kernel's in the container's network namespace. */
export type SandboxNetwork = 'sandbox' | 'host';

/** Releases before this one empty a file on a read-only mount that a job opens with O_TRUNC, unless without directfs. */
const keepsReadOnlyMounts = 20250707;

/**
 * What runsc is always run with.
 * @param version what `runsc --version` prints. A version without a date counts as an old one: that costs speed only.
 */
export function runscFlags(version: string, network: SandboxNetwork): string[] {
  const date = Number(/\b(20\d{6})(?:\d{6})?\b/.exec(version)?.[1] ?? 0);
  return [
    // Rootless runsc cannot make cgroups; limits come from the slice around the sandbox.
    '--ignore-cgroups',
    // Without it, runsc takes a seccomp profile and does nothing with it.
    '--oci-seccomp',
    `--network=${network}`,
    ...(date < keepsReadOnlyMounts ? ['--directfs=false'] : []),
  ];
}

/** The wrapper that Podman runs as its runtime: its runtime table holds paths only, and the flags must never be lost. */
export function runscWrapper(binary: string, flags: readonly string[]): string {
  return `#!/bin/sh\nexec '${binary}' ${flags.join(' ')} "$@"\n`;
}
