import type { Attack } from '../attack.ts';

const nothing = /^nothing$/;
const or = 'echo nothing >&2; exit 1';

export const surroundingsAttacks: readonly Attack[] = [
  {
    id: 'root-file-system',
    title: 'write to the root file system',
    script: 'file=$(mktemp /usr/bin/attack.XXXXXX) && rm "$file"',
    stopped: /Read-only file system|denied/,
    // A user that is not root is stopped by permissions as well: the guarantee says what kind of file system it is.
    controls: [],
    open: ({ settings }) =>
      settings.rootFilesystem === 'ephemeral' ? 'the policy lets jobs write to one that ends with the job' : undefined,
  },
  {
    id: 'stage-scripts',
    title: 'change the scripts of later stages',
    script: 'echo "echo attacked" > /bulkhead/scripts/planted',
    stopped: /Read-only file system|denied/,
    controls: ['slsa:secrets of the platform'],
  },
  {
    id: 'configuration',
    title: "read the operator's configuration",
    script: 'cat "$CONFIG"',
    stopped: /No such file/,
    controls: ['cis:5.6', 'pss:HostPath Volumes', 'pss:Volume Types', 'slsa:secrets of the platform'],
    impossible: ({ CONFIG }) => (CONFIG === '' ? 'nobody says where it is' : undefined),
  },
  {
    id: 'engine-socket',
    title: "open the engine's socket",
    script: 'test -e "$SOCKET" || { ls "$SOCKET"; exit 1; }',
    stopped: /No such file/,
    controls: ['cis:5.32', 'pss:HostPath Volumes', 'slsa:secrets of the platform'],
  },
  {
    id: 'host-processes',
    title: "see the host's processes",
    script: `cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'system servic[e]' || { ${or}; }`,
    stopped: nothing,
    controls: ['cis:5.16', 'pss:Host Namespaces'],
  },
  {
    id: 'own-host-name',
    title: "see the host's name, as in its UTS namespace",
    script: 'test "$(cat /proc/sys/kernel/hostname)" = "$HOST_NAME" || { echo "another name" >&2; exit 1; }',
    stopped: /another name/,
    controls: ['cis:5.21'],
  },
  {
    id: 'host-network',
    title: 'connect to a port of this host',
    script: 'exec 3<> "/dev/tcp/$HOST/$PORT"',
    stopped: /unreachable|No route|timed out|not permitted/i,
    controls: ['cis:5.10', 'pss:Host Namespaces', 'slsa:secrets of the platform'],
    open: ({ settings: { network } }) =>
      network.allow.some(({ to }) => to === 'host.containers.internal') ? 'the policy lists this host' : undefined,
    impossible: ({ HOST }) => (HOST === '' ? 'this host has no address to connect to' : undefined),
  },
  {
    id: 'neighbour-network',
    title: "connect to another job's sandbox",
    script: 'exec 3<> "/dev/tcp/$VICTIM_ADDRESS/9418"',
    stopped: /unreachable|No route|timed out|not permitted/i,
    controls: ['slsa:builds that overlap'],
    absent: ({ VICTIM_ADDRESS }) =>
      VICTIM_ADDRESS === '' ? 'the policy gives jobs no network, so there is none to reach' : undefined,
  },
  {
    id: 'neighbour-processes',
    title: "see another job's processes",
    script: `cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o '31[4]15' || { ${or}; }`,
    stopped: nothing,
    controls: ['slsa:builds that overlap'],
  },
  {
    id: 'neighbour-files',
    title: 'find what another job, or an earlier one, wrote to its folders',
    // Quiet, it ends with 0 for what it found, also where other files cannot be read.
    script: `grep -rsq "$MARK" /dev/shm /builds /tmp /var/tmp /root /home || { ${or}; }`,
    stopped: nothing,
    controls: ['slsa:builds that overlap', 'slsa:builds that follow'],
  },
];
