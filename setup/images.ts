import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBaseImage } from './image-base.ts';
import { discard, ensureBuilt, inputsOf } from './image-build.ts';
import { EXAMPLE_IMAGE, HELPER_REPOSITORY } from './image-names.ts';
import type { HostLayout } from './layout.ts';
import { tagsOf } from './podman-api.ts';
import type { PodmanUser } from './podman-user.ts';

const ROOT = join(import.meta.dirname, '..');
const EXAMPLE = join(import.meta.dirname, 'images', 'example-python.Containerfile');

export interface Images {
  readonly helper: string;
  readonly example: string;
}

/** Has the base, helper and example images in the service's storage, and returns the names to use. */
export async function ensureImages(layout: HostLayout, user: PodmanUser): Promise<Images> {
  const base = await ensureBaseImage(layout, user);
  const source = { containerfile: readFileSync(join(ROOT, 'Containerfile'), 'utf8'), base, files: probeSources() };
  const helper = `${HELPER_REPOSITORY}:${inputsOf(source)}`;
  await ensureBuilt(layout, user, { name: helper, ...source });
  for (const tag of await tagsOf(layout, HELPER_REPOSITORY)) if (tag !== helper) await discard(user, tag);
  await ensureBuilt(layout, user, { name: EXAMPLE_IMAGE, containerfile: readFileSync(EXAMPLE, 'utf8'), base });
  return { helper, example: EXAMPLE_IMAGE };
}

/** The program that looks at sandboxes from within; the Containerfile compiles it. */
function probeSources(): Record<string, string> {
  const names = readdirSync(join(ROOT, 'probe')).filter((name) => /\.[ch]$/.test(name));
  return Object.fromEntries(
    names.sort().map((name) => [`probe/${name}`, readFileSync(join(ROOT, 'probe', name), 'utf8')]),
  );
}
