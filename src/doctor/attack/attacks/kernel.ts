import type { Attack } from '../attack.ts';

const unfiltered: Attack['open'] = ({ guarantees: { seccomp } }) =>
  seccomp?.state === 'unavailable' ? `this host does not filter system calls of stages: ${seccomp.reason}` : undefined;

/** Writes back what is there. */
const rewrite = (path: string) => `value=$(cat ${path}) && echo "$value" > ${path}`;

export const kernelAttacks: readonly Attack[] = [
  {
    id: 'core-pattern',
    title: 'set what the host runs as root when a program crashes',
    script: rewrite('/proc/sys/kernel/core_pattern'),
    stopped: /No such file|denied|Read-only/i,
    controls: ['pss:Sysctls', 'pss:/proc Mount Type', 'cis:5.5', 'pss:Privileged Containers'],
  },
  {
    id: 'sysfs',
    title: "change a setting of the host's kernel in /sys",
    script: rewrite('/sys/kernel/rcu_normal'),
    stopped: /No such file|denied|Read-only/i,
    controls: ['pss:Sysctls', 'cis:5.5', 'pss:Privileged Containers'],
  },
  {
    id: 'kernel-addresses',
    title: "read addresses of the host's kernel",
    script: 'grep " T commit_creds$" /proc/kallsyms',
    stopped: /No such file|denied/i,
    controls: ['pss:/proc Mount Type'],
  },
  {
    id: 'kernel-log',
    title: "read the host's kernel log",
    script: `log=$(dmesg) || exit; case "$log" in *"Starting gVisor"*) echo "only gVisor's own log" >&2; exit 1 ;; esac`,
    stopped: /gVisor's own log|not permitted/,
    controls: ['slsa:secrets of the platform'],
  },
  {
    id: 'device-node',
    title: "read the host's kernel log by a device node",
    script: `folder=$(mktemp -d /tmp/attack.XXXXXX) && mknod "$folder/kmsg" c 1 11 && dd if="$folder/kmsg" of=/dev/null bs=8192 count=1
code=$?; rm -rf "$folder"; exit $code`,
    stopped: /not permitted|No such device|denied/i,
    controls: ['cis:5.18', 'cis:5.5', 'pss:Privileged Containers'],
  },
  {
    id: 'mount',
    title: 'mount a file system',
    script: 'mount -t tmpfs none /mnt',
    stopped: /denied|not permitted|must be superuser/i,
    controls: ['cis:5.4', 'pss:Capabilities'],
  },
  {
    id: 'user-namespace',
    title: 'make a user namespace, in which every capability is to be had',
    script: 'unshare --user true',
    stopped: /not permitted|not implemented/i,
    controls: ['cis:5.22', 'pss:Seccomp'],
    open: unfiltered,
  },
];
