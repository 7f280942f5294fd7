import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBaseImage } from './image-base.ts';
import { discard, ensureBuilt, hashOf } from './image-build.ts';
import { EXAMPLE_IMAGE, HELPER_REPOSITORY } from './image-names.ts';
import type { HostLayout } from './layout.ts';
import { tagsOf } from './podman-api.ts';
import type { PodmanUser } from './podman-user.ts';

const HELPER = join(import.meta.dirname, '..', 'Containerfile');
const EXAMPLE = join(import.meta.dirname, 'images', 'example-python.Containerfile');

export interface Images {
  readonly helper: string;
  readonly example: string;
}

/** Has the base, helper and example images in the service's storage, and returns the names to use. */
export async function ensureImages(layout: HostLayout, user: PodmanUser): Promise<Images> {
  const base = await ensureBaseImage(layout, user);
  const containerfile = readFileSync(HELPER, 'utf8');
  const helper = `${HELPER_REPOSITORY}:${hashOf(containerfile, base)}`;
  await ensureBuilt(layout, user, { name: helper, containerfile, base });
  for (const tag of await tagsOf(layout, HELPER_REPOSITORY)) if (tag !== helper) await discard(user, tag);
  await ensureBuilt(layout, user, { name: EXAMPLE_IMAGE, containerfile: readFileSync(EXAMPLE, 'utf8'), base });
  return { helper, example: EXAMPLE_IMAGE };
}
