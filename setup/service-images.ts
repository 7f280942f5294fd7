import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt } from '../src/host-setup/image-build.ts';
import { SERVICE_IMAGES } from './image-names.ts';
import { ensureBase } from './images.ts';
import { type HostLayout, hostLayout } from './layout.ts';
import { podmanUser } from './podman-user.ts';
import { say } from './say.ts';

/** Has the services in the service's storage that tests want: two minutes, once. Returns their names. */
export async function ensureServiceImages(layout: HostLayout = hostLayout()): Promise<typeof SERVICE_IMAGES> {
  const user = podmanUser(layout);
  const base = await ensureBase(layout, user);
  for (const [which, name] of Object.entries(SERVICE_IMAGES)) {
    const path = join(import.meta.dirname, 'images', `test-${which}.Containerfile`);
    await ensureBuilt(layout, user, { name, containerfile: readFileSync(path, 'utf8'), base }, say);
  }
  return SERVICE_IMAGES;
}
