import { existsSync } from 'node:fs';
import type { RootStep } from './as-root.ts';
import type { HostLayout } from './layout.ts';

const CNI = '/var/lib/cni';

/**
 * The root step that keeps rootless Podman 4 from hiding its own networks: while it connects a container it mounts an
 * empty folder over /var/lib/cni or, where that does not exist, over the nearest folder above it that does. With storage
 * below /var/lib, its network configurations are then gone ("network not found").
 */
export function missingNetworkFolder({ dataDir }: HostLayout): RootStep[] {
  if (existsSync(CNI) || !dataDir.startsWith('/var/')) return [];
  return [
    {
      topic: 'Podman',
      text: `making ${CNI}, so that it does not hide all of /var/lib`,
      commands: [['mkdir', '-p', CNI]],
    },
  ];
}
