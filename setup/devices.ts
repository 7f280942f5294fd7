import { existsSync, statSync } from 'node:fs';
import type { RootStep } from './as-root.ts';

/** Rootless networks need the first, overlay storage on top of another overlay the second. */
const DEVICES = ['/dev/net/tun', '/dev/fuse'];

/** The root steps that open device nodes which the service's user could not use. */
export function closedDevices(): RootStep[] {
  return DEVICES.filter((device) => existsSync(device) && (statSync(device).mode & 0o006) !== 0o006).map((device) => ({
    topic: 'devices',
    text: `opening ${device} to all users (chmod 0666, as on stock Debian)`,
    commands: [['chmod', '0666', device]],
  }));
}
