import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureImagePolicy, serviceFiles } from '../src/host-setup/service-files.ts';
import { shippedNames } from '../src/host-setup/shipped.ts';
import { SYSTEMD_RUN } from '../src/host-setup/systemd-run.ts';
import { writeIfChanged } from '../src/host-setup/write-if-changed.ts';
import { isRoot, systemdRuns } from './host.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';

const ROOT = join(import.meta.dirname, '..');

/** The folders that the driver's configuration names. */
export function driverFolders({ dataDir }: HostLayout): Record<'policies' | 'seccompProfiles' | 'stateFolder', string> {
  return {
    policies: join(dataDir, 'policies'),
    seccompProfiles: join(dataDir, 'seccomp'),
    stateFolder: join(dataDir, 'state'),
  };
}

/**
 * Makes the folders. What the service reads belongs to root (when root sets up) and cannot be replaced from within a
 * sandbox escape; only `home`, `storage`, `log` and the folder of the socket belong to the service's user.
 */
export function makeFolders(layout: HostLayout, user: PodmanUser): void {
  for (const name of ['', 'bin', 'empty', 'images', 'runsc']) folder(join(layout.dataDir, name), 0o755);
  const { policies, seccompProfiles, stateFolder } = driverFolders(layout);
  for (const path of [policies, seccompProfiles]) folder(path, 0o755);
  // The driver runs as whoever sets up; the service's user has no business there.
  folder(stateFolder, 0o700);
  for (const name of ['home', 'storage', 'log']) folder(join(layout.dataDir, name), 0o700, user);
  folder(layout.runDir, 0o700, user);
}

function folder(path: string, mode: number, owner?: PodmanUser): void {
  mkdirSync(path, { recursive: true, mode });
  chmodSync(path, mode);
  if (isRoot) chownSync(path, owner?.uid ?? 0, owner?.gid ?? 0);
}

/** Writes everything the service reads. Returns a text that differs when the service must be restarted. */
export async function writeServiceConfiguration(layout: HostLayout, user: PodmanUser): Promise<string> {
  const { seccompProfiles } = driverFolders(layout);
  const files = serviceFiles(layout, { seccompProfiles, systemd: systemdRuns, root: isRoot });
  for (const [name, content] of files) writeIfChanged(join(layout.dataDir, name), content, { mode: 0o644 });
  if (systemdRuns) writeIfChanged(join(layout.dataDir, 'bin', 'systemd-run'), SYSTEMD_RUN, { mode: 0o755 });
  await ensureImagePolicy(user);
  // Podman reads profiles when it creates a container, so a changed one needs no restart.
  copyShipped(layout);
  return JSON.stringify([files, user.env]);
}

/** Policies and profiles as they are in this repository; other files beside them are the operator's, and stay. */
export function copyShipped(layout: HostLayout): void {
  const { policies, seccompProfiles } = driverFolders(layout);
  for (const [from, to] of [
    ['policies', policies],
    ['seccomp', seccompProfiles],
  ] as const) {
    for (const name of shippedNames(join(ROOT, from)))
      writeIfChanged(join(to, name), readFileSync(join(ROOT, from, name)), { mode: 0o644 });
  }
}
