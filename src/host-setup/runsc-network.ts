import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';
import { runscFlags, runscWrapper, type SandboxNetwork } from './runsc-flags.ts';

/**
 * Finds out by real sandboxes whether gVisor's own network stack works here, and else whether the kernel's does.
 * @param version what `runsc --version` prints.
 * @returns the first that started, or none; and what runsc said of each that did not.
 */
export async function tryNetworks(
  layout: HostLayout,
  user: PodmanUser,
  binary: string,
  version: string,
): Promise<{ network: SandboxNetwork | undefined; refusals: readonly string[] }> {
  const refusals: string[] = [];
  for (const network of ['sandbox', 'host'] as const) {
    const refusal = await startsWithNetwork(layout, user, binary, runscFlags(version, network));
    if (refusal === undefined) return { network, refusals };
    refusals.push(`--network=${network}: ${refusal}`);
  }
  return { network: undefined, refusals };
}

/** Tries a real sandbox on a rootless bridge network. Returns undefined when it started, else the reason it gave. */
async function startsWithNetwork(
  layout: HostLayout,
  user: PodmanUser,
  binary: string,
  flags: readonly string[],
): Promise<string | undefined> {
  const init = findProgram('catatonit');
  if (init === undefined) throw new Error('catatonit is missing');
  // Of root's Podman it is there by now; systemd makes an ordinary user's with the socket, which comes later.
  if (process.getuid?.() !== 0) mkdirSync(layout.runDir, { recursive: true, mode: 0o700 });
  // Removed with what else is made there, should this be stopped half-way.
  const folder = mkdtempSync(join(layout.dataDir, 'images', 'probe-'));
  chmodSync(folder, 0o755);
  const wrapper = join(folder, 'runsc');
  const root = join(folder, 'root');
  writeFileSync(wrapper, runscWrapper(binary, flags), { mode: 0o755 });
  mkdirSync(root);
  copyFileSync(init, join(root, 'init'));
  try {
    const { failed, stderr } = await user.exec(
      'podman',
      ['--runtime', wrapper, 'run', '--rm', '--network=podman', '--rootfs', `${root}:O`, '/init', '--version'],
      { reject: false, timeout: 60_000 },
    );
    return failed ? reason(stderr) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** runsc's own words; Podman's summary below them names only the command that failed. */
function reason(stderr: unknown): string {
  const lines = String(stderr).trim().split('\n');
  return lines.findLast((line) => !/^Error: `.*` failed: /.test(line)) || lines.at(-1) || 'no reason given';
}
