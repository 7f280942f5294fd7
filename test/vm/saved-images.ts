import type { PodmanUser } from '../../setup/podman-user.ts';
import { configuration, images } from '../integration/host.ts';

/** Where the images are that have to outlive the store of the service. */
export const archives = { helper: '/var/tmp/helper.tar', busybox: '/var/tmp/busybox.tar' };

export async function saveImages(user: PodmanUser): Promise<void> {
  for (const [which, name] of [
    ['helper', configuration.helperImage],
    ['busybox', images.busybox],
  ] as const) {
    await user.exec('podman', ['save', name], { stdout: { file: archives[which] }, encoding: 'buffer', buffer: false });
  }
}
