import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';

/** What the service's files depend on beside the layout. */
export interface ServiceCircumstances {
  /** Folder of the seccomp profiles. */
  readonly seccompProfiles: string;
  readonly systemd: boolean;
  readonly root: boolean;
}

/** Everything Podman itself reads, by the file's name in the data folder. */
export function serviceFiles(layout: HostLayout, circumstances: ServiceCircumstances): [name: string, text: string][] {
  return [
    ['containers.conf', containersConf(layout, circumstances)],
    ['storage.conf', storageConf(layout)],
    ['registries.conf', REGISTRIES_CONF],
    ['mounts.conf', ''],
  ];
}

function containersConf(layout: HostLayout, { seccompProfiles, systemd, root }: ServiceCircumstances): string {
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
seccomp_profile = "${join(seccompProfiles, 'baseline.json')}"

[network]
network_backend = "netavark"

[engine]
runtime = "runsc"
cgroup_manager = "${systemd ? 'systemd' : 'cgroupfs'}"
events_logger = "none"
# Seconds for which a finished exec keeps its exit code, and two monitor processes. Podman's 300 pile up at ten per job.
exit_command_delay = 60
hooks_dir = ["${layout.dataDir}/empty"]
# This Podman shares neither state nor locks with another Podman of the same user.
tmp_dir = "${layout.runDir}/libpod"
lock_type = "${root ? 'shm' : 'file'}"

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

/** Podman pulls nothing without a policy file; this is the one that distributions ship. */
const IMAGE_POLICY = '{"default":[{"type":"insecureAcceptAnything"}]}\n';

/** Gives Podman a policy file where the host has none: in its home, written as the user. */
export async function ensureImagePolicy(user: PodmanUser): Promise<void> {
  if (existsSync('/etc/containers/policy.json')) return;
  const script = 'mkdir -p .config/containers && exec cat >.config/containers/policy.json';
  await user.exec('sh', ['-c', script], { input: IMAGE_POLICY });
}
