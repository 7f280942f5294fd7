import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRoot, systemdRuns } from './host.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';
import { writeIfChanged } from './write-if-changed.ts';

const ROOT = join(import.meta.dirname, '..');

const SYSTEMD_RUN = join(import.meta.dirname, 'systemd-run.sh');

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
  const files: [name: string, content: string][] = [
    ['containers.conf', containersConf(layout)],
    ['storage.conf', storageConf(layout)],
    ['registries.conf', REGISTRIES_CONF],
    ['mounts.conf', ''],
  ];
  for (const [name, content] of files) writeIfChanged(join(layout.dataDir, name), content, { mode: 0o644 });
  if (systemdRuns)
    writeIfChanged(join(layout.dataDir, 'bin', 'systemd-run'), readFileSync(SYSTEMD_RUN), { mode: 0o755 });
  if (!existsSync('/etc/containers/policy.json')) await writeImagePolicy(user);
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
    const shipped = readdirSync(join(ROOT, from)).filter((name) => /(?<!\.test)\.json$/.test(name));
    for (const name of shipped) writeIfChanged(join(to, name), readFileSync(join(ROOT, from, name)), { mode: 0o644 });
  }
}

function containersConf(layout: HostLayout): string {
  return `# Written by set-up, and the only containers.conf its Podman reads.
[containers]
# Nothing of the host's environment, hosts file, secrets or devices gets into a container.
http_proxy = false
env_host = false
base_hosts_file = "none"
default_mounts_file = "${layout.dataDir}/mounts.conf"
volumes = []
devices = []
default_sysctls = []
log_driver = "none"
seccomp_profile = "${join(driverFolders(layout).seccompProfiles, 'baseline.json')}"

[network]
network_backend = "netavark"

[engine]
runtime = "runsc"
cgroup_manager = "${systemdRuns ? 'systemd' : 'cgroupfs'}"
events_logger = "none"
# Seconds for which a finished exec keeps its exit code, and two monitor processes. Podman's 300 pile up at ten per job.
exit_command_delay = 60
hooks_dir = ["${layout.dataDir}/empty"]
# This Podman shares neither state nor locks with another Podman of the same user.
tmp_dir = "${layout.runDir}/libpod"
lock_type = "${isRoot ? 'shm' : 'file'}"

[engine.runtimes]
runsc = ["${layout.dataDir}/bin/runsc"]
`;
}

function storageConf(layout: HostLayout): string {
  return `# Written by set-up. Said outright, since Podman may fall back to vfs, which copies every layer whole.
[storage]
driver = "overlay"
graphroot = "${layout.dataDir}/storage"
rootless_storage_path = "${layout.dataDir}/storage"
runroot = "${layout.runDir}/containers"
`;
}

/** A name without a registry is refused: guessing one would let a stranger's image stand in for the one that was meant. */
const REGISTRIES_CONF = `# Written by set-up.
unqualified-search-registries = []
short-name-mode = "enforcing"
`;

/** Podman pulls nothing without a policy file; this is the one distributions ship. Written as the user, in its home. */
async function writeImagePolicy(user: PodmanUser): Promise<void> {
  await user.exec('sh', ['-c', 'mkdir -p .config/containers && exec cat >.config/containers/policy.json'], {
    input: '{"default":[{"type":"insecureAcceptAnything"}]}\n',
  });
}
