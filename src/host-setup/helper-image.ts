import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { discard, ensureBuilt, inputsOf } from './image-build.ts';
import { HELPER_REPOSITORY } from './image-names.ts';
import type { HostLayout } from './layout.ts';
import { tagsOf } from './podman-api.ts';
import type { PodmanUser } from './podman-user.ts';
import type { Say } from './say.ts';

/**
 * Has the helper image in the service's storage, and none of an older set-up that no container uses.
 * @param folder the product's, with `Containerfile` and `probe`.
 * @param base id of the image that it is built on.
 * @returns its name, whose tag follows its contents.
 */
export async function ensureHelperImage(
  layout: HostLayout,
  user: PodmanUser,
  folder: string,
  base: string,
  say: Say,
): Promise<string> {
  const source = { containerfile: readFileSync(join(folder, 'Containerfile'), 'utf8'), base, files: probe(folder) };
  const helper = `${HELPER_REPOSITORY}:${inputsOf(source)}`;
  await ensureBuilt(layout, user, { name: helper, ...source }, say);
  for (const tag of await tagsOf(layout, HELPER_REPOSITORY)) if (tag !== helper) await discard(user, tag);
  return helper;
}

/** The program that looks at sandboxes from within; the Containerfile compiles it. */
function probe(folder: string): Record<string, string> {
  const names = readdirSync(join(folder, 'probe')).filter((name) => /\.[ch]$/.test(name));
  return Object.fromEntries(
    names.sort().map((name) => [`probe/${name}`, readFileSync(join(folder, 'probe', name), 'utf8')]),
  );
}
