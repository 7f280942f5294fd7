import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { INPUTS_LABEL } from './image-names.ts';
import type { HostLayout } from './layout.ts';
import { findImage } from './podman-api.ts';
import type { PodmanUser } from './podman-user.ts';
import type { Say } from './say.ts';
import { writeIfChanged } from './write-if-changed.ts';

const BUILD_TIMEOUT_MS = 15 * 60_000;

/** A short hash of what an image is made from. */
export function hashOf(...inputs: string[]): string {
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
}

/** Whether the image is there and made from these inputs. */
export async function isMadeFrom(layout: HostLayout, name: string, inputs: string): Promise<boolean> {
  return (await findImage(layout, name))?.labels[INPUTS_LABEL] === inputs;
}

/** What an image is built from. */
export interface ImageSource {
  readonly name: string;
  readonly containerfile: string;
  /** Id of the image that the build argument BASE stands for. */
  readonly base: string;
  /** The build context: path in it → content. */
  readonly files?: Readonly<Record<string, string>>;
  /** Folders in the build context: path in it → what is copied there, and what tells that it has changed. */
  readonly folders?: Readonly<Record<string, { readonly from: string; readonly version: string }>>;
}

export function inputsOf({ containerfile, base, files = {}, folders = {} }: Omit<ImageSource, 'name'>): string {
  const versions = Object.entries(folders).map(([path, { version }]) => [path, version]);
  return hashOf(containerfile, base, ...Object.entries(files).flat(), ...versions.flat());
}

/** Builds a Containerfile on `base` unless the image of that name already is what would come out. */
export async function ensureBuilt(layout: HostLayout, user: PodmanUser, source: ImageSource, say: Say): Promise<void> {
  const inputs = inputsOf(source);
  const found = await findImage(layout, source.name);
  if (found?.labels[INPUTS_LABEL] === inputs) return;
  say('images', `building ${source.name}`);
  const options = [
    // Needs no runtime and no network of its own: crun refuses hybrid cgroups, and a build here runs nobody else's code.
    '--isolation=chroot',
    '--network=host',
    '--layers=false',
    '--force-rm',
    // Stages side by side.
    '--jobs=2',
    `--build-arg=BASE=${source.base}`,
    `--label=${INPUTS_LABEL}=${inputs}`,
    `--tag=${source.name}`,
  ];
  // A copy, since the service's user may not be able to read the repository.
  const context = join(layout.dataDir, 'images', inputs);
  for (const [path, content] of Object.entries({ ...source.files, Containerfile: source.containerfile })) {
    mkdirSync(dirname(join(context, path)), { recursive: true, mode: 0o755 });
    writeIfChanged(join(context, path), content, { mode: 0o644 });
  }
  for (const [path, { from }] of Object.entries(source.folders ?? {})) {
    cpSync(from, join(context, path), { recursive: true, verbatimSymlinks: true });
  }
  await user.exec('podman', ['build', ...options, context], { timeout: BUILD_TIMEOUT_MS });
  rmSync(context, { recursive: true });
  if (found) await discard(user, found.id);
}

/** Removes an image that has been replaced, unless a container still uses it: then it stays. */
export async function discard(user: PodmanUser, image: string): Promise<void> {
  await user.exec('podman', ['image', 'rm', image], { reject: false });
}
