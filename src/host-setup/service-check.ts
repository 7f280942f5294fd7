import { join } from 'node:path';
import type { HostLayout } from './layout.ts';
import { podmanGet } from './podman-api.ts';

/**
 * Podman accepts settings that it then ignores, so ask it what it made of them.
 * @returns what is wrong; undefined when nothing is.
 */
export async function whatServiceIsNot(layout: HostLayout): Promise<string | undefined> {
  const reply = await podmanGet(layout, '/v4.0.0/libpod/info');
  if (reply?.status !== 200) return `the Podman service does not say what it is (${reply?.status ?? 'no answer'})`;
  const { host, store } = reply.body as {
    host: { security: { rootless: boolean }; ociRuntime: { path: string } };
    store: { graphDriverName: string; graphRoot: string };
  };
  if (!host.security.rootless) return 'Podman does not run rootless';
  if (store.graphDriverName !== 'overlay') return `Podman's storage came out as ${store.graphDriverName}, not overlay`;
  if (host.ociRuntime.path !== join(layout.dataDir, 'bin', 'runsc'))
    return `Podman's default runtime came out as ${host.ociRuntime.path}, not runsc`;
  return undefined;
}
