import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { discard, ensureBuilt, inputsOf } from './image-build.ts';
import { HELPER_REPOSITORY } from './image-names.ts';
import type { HostLayout } from './layout.ts';
import { tagsOf } from './podman-api.ts';
import type { PodmanUser } from './podman-user.ts';
import type { Say } from './say.ts';

/**
 * Has the helper image in the service's storage. Those of older set-ups stay: something may name them yet.
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
  return helper;
}

/** Removes the helper images that were built here before, once no configuration names them; one that a container uses stays. */
export async function discardOtherHelpers(layout: HostLayout, user: PodmanUser, helper: string): Promise<void> {
  for (const tag of await tagsOf(layout, HELPER_REPOSITORY)) if (tag !== helper) await discard(user, tag);
}

/** The program that looks at sandboxes from within; the Containerfile compiles it. */
function probe(folder: string): Record<string, string> {
  const names = readdirSync(join(folder, 'probe')).filter((name) => /\.[ch]$/.test(name));
  return Object.fromEntries(
    names.sort().map((name) => [`probe/${name}`, readFileSync(join(folder, 'probe', name), 'utf8')]),
  );
}
