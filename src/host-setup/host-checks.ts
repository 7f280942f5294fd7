import { existsSync, statSync } from 'node:fs';

/** Rootless networks need the first, overlay storage on top of another overlay the second. */
const DEVICES = ['/dev/net/tun', '/dev/fuse'];

/** Device nodes that the service's user could not use. */
export function closedDevices(): string[] {
  return DEVICES.filter((device) => existsSync(device) && (statSync(device).mode & 0o006) !== 0o006);
}

/**
 * While rootless Podman 4 connects a container it mounts an empty folder over this one or, where it does not exist, over the
 * nearest folder above it that does. With storage below /var/lib, its network configurations are then gone ("network not
 * found").
 */
export const CNI_FOLDER = '/var/lib/cni';

/** The programs that Podman looks for in folders of its own. */
export function hasHelperProgram(name: string): boolean {
  return ['/usr/lib/podman', '/usr/libexec/podman', '/usr/local/lib/podman', '/usr/local/libexec/podman'].some(
    (folder) => existsSync(`${folder}/${name}`),
  );
}

/** Whether systemd can give the users' services a bus of their own. */
export function hasUserBus(): boolean {
  return existsSync('/usr/lib/systemd/user/dbus.socket');
}
