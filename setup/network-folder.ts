import { existsSync } from 'node:fs';
import { CNI_FOLDER } from '../src/host-setup/host-checks.ts';
import type { RootStep } from './as-root.ts';
import type { HostLayout } from './layout.ts';

/** The root step that keeps rootless Podman 4 from hiding its own networks. */
export function missingNetworkFolder({ dataDir }: HostLayout): RootStep[] {
  if (existsSync(CNI_FOLDER) || !dataDir.startsWith('/var/')) return [];
  return [
    {
      topic: 'Podman',
      text: `making ${CNI_FOLDER}, so that it does not hide all of /var/lib`,
      commands: [['mkdir', '-p', CNI_FOLDER]],
    },
  ];
}
