import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt } from '../src/host-setup/image-build.ts';
import { PROJECT_IMAGES, SERVICE_IMAGES } from './image-names.ts';
import { ensureBase } from './images.ts';
import { type HostLayout, hostLayout } from './layout.ts';
import { podmanUser } from './podman-user.ts';
import { say } from './say.ts';

/** Has the services in the service's storage that tests want: two minutes, once. Returns their names. */
export async function ensureServiceImages(layout: HostLayout = hostLayout()): Promise<typeof SERVICE_IMAGES> {
  return ensureAll(layout, SERVICE_IMAGES);
}

/** Has the images that the projects of examples/ are tested with. Returns their names. */
export async function ensureProjectImages(layout: HostLayout = hostLayout()): Promise<typeof PROJECT_IMAGES> {
  return ensureAll(layout, PROJECT_IMAGES);
}

async function ensureAll<T extends Readonly<Record<string, string>>>(layout: HostLayout, images: T): Promise<T> {
  const user = podmanUser(layout);
  const base = await ensureBase(layout, user);
  for (const [which, name] of Object.entries(images)) {
    const path = join(import.meta.dirname, 'images', `test-${which}.Containerfile`);
    await ensureBuilt(layout, user, { name, containerfile: readFileSync(path, 'utf8'), base }, say);
  }
  return images;
}
