import { type Check, type Finding, fail, ok, warn } from './check.ts';
import type { PodmanInfo } from './host/podman-info.ts';

export const storageDriver: Check = {
  id: 'storage-driver',
  title: 'storage driver',
  about:
    'Podman keeps images as overlay file systems. Where it falls back to `vfs`, it copies every layer whole for every sandbox: slow, and the disk is full soon. Changing the driver empties the store.',
  look: async (host) => judgeStorage((await host.info.need()).storage, (await host.account.need()).name),
};

export function judgeStorage({ driver, folder, configuration }: PodmanInfo['storage'], user: string): Finding {
  if (driver === 'overlay') return ok(`overlay, in ${folder}`);
  const fix = `As ${user}, with the environment of the service: podman system reset; then put driver = "overlay" below [storage] of ${configuration || 'its storage.conf'}, restart the service, and make the images again (bulkhead init, or npm run setup).`;
  if (driver === 'vfs') return fail(`Podman stores images with ${driver}, which copies every layer`, fix);
  return warn(`Podman stores images with ${driver || 'an unknown driver'}, which nobody tried with this driver`, fix);
}
