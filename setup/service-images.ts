import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBaseImage } from './image-base.ts';
import { ensureBuilt } from './image-build.ts';
import { SERVICE_IMAGES } from './image-names.ts';
import { type HostLayout, hostLayout } from './layout.ts';
import { podmanUser } from './podman-user.ts';

/** Has the services in the service's storage that tests want: two minutes, once. Returns their names. */
export async function ensureServiceImages(layout: HostLayout = hostLayout()): Promise<typeof SERVICE_IMAGES> {
  const user = podmanUser(layout);
  const base = await ensureBaseImage(layout, user);
  for (const [which, name] of Object.entries(SERVICE_IMAGES)) {
    const path = join(import.meta.dirname, 'images', `test-${which}.Containerfile`);
    await ensureBuilt(layout, user, { name, containerfile: readFileSync(path, 'utf8'), base });
  }
  return SERVICE_IMAGES;
}
