#!/bin/sh
# Runs a command in a root folder as on a machine of its own: to be started in new mount, PID, IPC and UTS namespaces. In a
# plain chroot the kernel refuses user namespaces, hence pivot_root.
# Usage: unshare --mount --pid --fork --kill-child --ipc --uts enter.sh <root folder> <command> [argument…]
set -eu
root=$1
shift
mount --bind "$root" "$root"
cd "$root"

mount -t proc proc proc
mount --rbind /sys sys
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/pts dev/shm dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
umask 0
mknod -m 0666 dev/null c 1 3
mknod -m 0666 dev/zero c 1 5
mknod -m 0666 dev/full c 1 7
mknod -m 0666 dev/random c 1 8
mknod -m 0666 dev/urandom c 1 9
mknod -m 0666 dev/tty c 5 0
mknod -m 0600 dev/kmsg c 1 11
# Closed, as some machines have them: set-up must open them.
mknod -m 0600 dev/net/tun c 10 200
mknod -m 0600 dev/fuse c 10 229
umask 022
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr

mkdir -p .outside
pivot_root . .outside
cd /
umount -l /.outside
rmdir /.outside
exec "$@"
