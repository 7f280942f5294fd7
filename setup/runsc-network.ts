import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';

/** gVisor's own network stack, or the kernel's in the container's network namespace. */
export type SandboxNetwork = 'sandbox' | 'host';

/** The wrapper that Podman runs as its runtime: its runtime table holds paths only, and these flags must never be lost. */
export function runscWrapper(binary: string, network: SandboxNetwork): string {
  // Rootless runsc cannot make cgroups; limits come from the slice around the sandbox. Without --oci-seccomp, runsc takes
  // a seccomp profile and does nothing with it.
  return `#!/bin/sh\nexec '${binary}' --ignore-cgroups --oci-seccomp --network=${network} "$@"\n`;
}

/** Tries a real sandbox on a rootless bridge network. Returns undefined when it started, else the reason it gave. */
export async function startsWithNetwork(
  layout: HostLayout,
  user: PodmanUser,
  binary: string,
  network: SandboxNetwork,
): Promise<string | undefined> {
  const init = findProgram('catatonit');
  if (init === undefined) throw new Error('catatonit is missing');
  const folder = mkdtempSync(join(layout.dataDir, 'probe-'));
  chmodSync(folder, 0o755);
  const wrapper = join(folder, 'runsc');
  const root = join(folder, 'root');
  writeFileSync(wrapper, runscWrapper(binary, network), { mode: 0o755 });
  mkdirSync(root);
  copyFileSync(init, join(root, 'init'));
  try {
    const { failed, stderr } = await user.exec(
      'podman',
      ['--runtime', wrapper, 'run', '--rm', '--network=podman', '--rootfs', `${root}:O`, '/init', '--version'],
      { reject: false, timeout: 60_000 },
    );
    return failed ? `--network=${network}: ${reason(stderr)}` : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** runsc's own words; Podman's summary below them names only the command that failed. */
function reason(stderr: unknown): string {
  const lines = String(stderr).trim().split('\n');
  return lines.findLast((line) => !/^Error: `.*` failed: /.test(line)) || lines.at(-1) || 'no reason given';
}
