import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';
import { runscWrapper } from './runsc-flags.ts';

/** Tries a real sandbox on a rootless bridge network. Returns undefined when it started, else the reason it gave. */
export async function startsWithNetwork(
  layout: HostLayout,
  user: PodmanUser,
  binary: string,
  flags: readonly string[],
): Promise<string | undefined> {
  const init = findProgram('catatonit');
  if (init === undefined) throw new Error('catatonit is missing');
  const folder = mkdtempSync(join(layout.dataDir, 'probe-'));
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
