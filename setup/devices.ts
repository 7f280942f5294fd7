import { closedDevices as closed } from '../src/host-setup/host-checks.ts';
import type { RootStep } from './as-root.ts';

/** The root steps that open device nodes which the service's user could not use. */
export function closedDevices(): RootStep[] {
  return closed().map((device) => ({
    topic: 'devices',
    text: `opening ${device} to all users (chmod 0666, as on stock Debian)`,
    commands: [['chmod', '0666', device]],
  }));
}
