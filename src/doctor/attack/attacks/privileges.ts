import type { Attack, Circumstances } from '../attack.ts';

const refused = /not permitted|denied/i;

/** Root's doing, as far as the policy gives root, and the capability. */
const given =
  (capability: string) =>
  ({ settings }: Circumstances): string | undefined =>
    settings.user.root === 'allowed' && settings.capabilities.some((one) => one === capability)
      ? `the policy gives jobs ${capability}`
      : undefined;

export const privilegeAttacks: readonly Attack[] = [
  {
    id: 'root',
    title: 'write where only root may',
    script: 'test -w /root || { echo "denied: uid $(id -u) is not root" >&2; exit 1; }',
    stopped: refused,
    controls: ['pss:Running as Non-root'],
    open: ({ settings }) =>
      settings.user.root === 'allowed' ? 'the policy lets jobs be root in their sandbox' : undefined,
  },
  {
    id: 'chown',
    title: 'give a file to another user (CHOWN)',
    script: 'file=$(mktemp /tmp/attack.XXXXXX) && chown 12345 "$file"; code=$?; rm -f "$file"; exit $code',
    stopped: refused,
    controls: ['pss:Capabilities'],
    open: given('CHOWN'),
  },
  {
    id: 'chroot',
    title: 'change the root folder (SYS_CHROOT)',
    script: 'chroot / true',
    stopped: refused,
    controls: ['cis:5.4', 'pss:Capabilities'],
    open: given('SYS_CHROOT'),
  },
  {
    id: 'host-name',
    title: 'change the host name (SYS_ADMIN)',
    script: 'hostname attacked',
    stopped: /not permitted|denied|must be root/i,
    controls: ['cis:5.4', 'pss:Capabilities'],
    open: given('SYS_ADMIN'),
  },
];
