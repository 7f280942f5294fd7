import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DiskKind } from './cache.ts';

/** Where the project's own disk is mounted in the machine: also Podman's user may read it there. */
export const PROJECT = '/opt/bulkhead';

/** QEMU's user network: the guest's address, the host's as the guest sees it, and the resolver. */
const NETWORK = `[Match]
Name=en* eth*

[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
DNS=10.0.2.3
LinkLocalAddressing=no
IPv6AcceptRA=no
`;

const FSTAB: Record<DiskKind, string> = {
  bare: '/dev/vda / ext4 rw,noatime 0 1\n',
  'set-up': `/dev/vda / ext4 rw,noatime 0 1\n/dev/vdb ${PROJECT} ext4 rw,noatime 0 0\n`,
};

/** Small, since an emulated processor takes long to unpack it. */
const INITRAMFS_MODULES = ['virtio_pci', 'virtio_blk', 'ext4'];

/** Puts what a machine needs to boot into a Debian root folder, before its initramfs is made. */
export function writeInitramfsSettings(root: string): void {
  write(root, 'etc/initramfs-tools/conf.d/small', 'MODULES=list\nCOMPRESS=lz4\n');
  write(root, 'etc/initramfs-tools/modules', `${INITRAMFS_MODULES.join('\n')}\n`);
}

/** Puts what makes the root folder a machine of its own, reachable by ssh with the key. */
export function writeGuestFiles(root: string, publicKey: string, kind: DiskKind): void {
  write(root, 'etc/hostname', 'bulkhead-vm\n');
  write(root, 'etc/hosts', '127.0.0.1 localhost\n127.0.1.1 bulkhead-vm\n');
  write(root, 'etc/fstab', FSTAB[kind]);
  write(root, 'etc/systemd/network/wired.network', NETWORK);
  write(root, 'etc/resolv.conf', 'nameserver 10.0.2.3\n');
  if (kind === 'set-up') mkdirSync(join(root, PROJECT), { recursive: true });
  mkdirSync(join(root, 'root/.ssh'), { recursive: true, mode: 0o700 });
  copyFileSync(publicKey, join(root, 'root/.ssh/authorized_keys'));
  // Reverse look-ups of the client's address cost seconds.
  appendFileSync(join(root, 'etc/ssh/sshd_config'), '\nUseDNS no\n');
}

function write(root: string, file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text, { mode: 0o644 });
}
