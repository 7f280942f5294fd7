import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, hashOf, type ImageSource } from '../src/host-setup/image-build.ts';
import { PROJECT_IMAGES, SERVICE_IMAGES } from './image-names.ts';
import { ensureBase } from './images.ts';
import { type HostLayout, hostLayout } from './layout.ts';
import { podmanUser } from './podman-user.ts';
import { say } from './say.ts';

/** Has the services in the service's storage that tests want: two minutes, once. Returns their names. */
export async function ensureServiceImages(layout: HostLayout = hostLayout()): Promise<typeof SERVICE_IMAGES> {
  return ensureAll(layout, SERVICE_IMAGES);
}

/** Has the images that the projects of examples/, and this one, are tested with. Returns their names. */
export async function ensureProjectImages(layout: HostLayout = hostLayout()): Promise<typeof PROJECT_IMAGES> {
  const root = join(import.meta.dirname, '..');
  const version = hashOf(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return ensureAll(layout, PROJECT_IMAGES, { ci: { node_modules: { from: join(root, 'node_modules'), version } } });
}

async function ensureAll<T extends Readonly<Record<string, string>>>(
  layout: HostLayout,
  images: T,
  folders: Readonly<Record<string, NonNullable<ImageSource['folders']>>> = {},
): Promise<T> {
  const user = podmanUser(layout);
  const base = await ensureBase(layout, user);
  for (const [which, name] of Object.entries(images)) {
    const path = join(import.meta.dirname, 'images', `test-${which}.Containerfile`);
    const source = { name, containerfile: readFileSync(path, 'utf8'), base, folders: folders[which] ?? {} };
    await ensureBuilt(layout, user, source, say);
  }
  return images;
}
