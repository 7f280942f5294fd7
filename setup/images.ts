import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { discardOtherHelpers, ensureHelperImage } from '../src/host-setup/helper-image.ts';
import { ensureBaseImage } from '../src/host-setup/image-base.ts';
import { ensureBuilt } from '../src/host-setup/image-build.ts';
import type { PodmanUser } from '../src/host-setup/podman-user.ts';
import { asRoot } from './as-root.ts';
import { EXAMPLE_IMAGE } from './image-names.ts';
import type { HostLayout } from './layout.ts';
import { installation } from './packages.ts';
import { say } from './say.ts';

const ROOT = join(import.meta.dirname, '..');
const EXAMPLE = join(import.meta.dirname, 'images', 'example-python.Containerfile');

export interface Images {
  readonly helper: string;
  readonly example: string;
}

/** The base of all images; mmdebstrap is installed when it takes that to make one. Its id. */
export function ensureBase(layout: HostLayout, user: PodmanUser): Promise<string> {
  return ensureBaseImage(layout, user, say, () => asRoot([installation('images', ['mmdebstrap'])]));
}

/** Has the base, helper and example images in the service's storage, and returns the names to use. */
export async function ensureImages(layout: HostLayout, user: PodmanUser): Promise<Images> {
  const base = await ensureBase(layout, user);
  const helper = await ensureHelperImage(layout, user, ROOT, base, say);
  await discardOtherHelpers(layout, user, helper);
  await ensureBuilt(layout, user, { name: EXAMPLE_IMAGE, containerfile: readFileSync(EXAMPLE, 'utf8'), base }, say);
  return { helper, example: EXAMPLE_IMAGE };
}
