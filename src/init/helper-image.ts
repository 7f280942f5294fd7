import { BulkheadError } from '../errors.ts';
import { ensureHelperImage } from '../host-setup/helper-image.ts';
import { ensureBaseImage } from '../host-setup/image-base.ts';
import { findImage } from '../host-setup/podman-api.ts';
import type { PodmanUser } from '../host-setup/podman-user.ts';
import type { Surroundings } from './apply.ts';

const LOAD_TIMEOUT_MS = 30 * 60_000;

/**
 * Has the helper image in Podman's storage: the one that is given, else the one that was given last, else one made here.
 * @param given a name, or the absolute path of an archive that `podman save` wrote.
 * @returns its name.
 * @throws BulkheadError `init-impossible`; ExecaErrors of Podman.
 */
export async function provideHelperImage(
  { layout, product, manifest, save, say }: Surroundings,
  user: PodmanUser,
  given: string | undefined,
): Promise<string> {
  if (given?.startsWith('/')) {
    say('images', `loading ${given}`);
    const options = { inputFile: given, timeout: LOAD_TIMEOUT_MS } as const;
    const { stdout } = await user.exec('podman', ['load', '--quiet'], options);
    const name = /^Loaded image(?:\(s\))?: ([^\s,]+)/m.exec(String(stdout))?.[1];
    if (name === undefined) throw unusable(`${given} holds no image with a name`);
    return remember(name);
  }
  const wanted = given ?? manifest.helperImage;
  if (wanted !== undefined) {
    if ((await findImage(layout, wanted)) === undefined) {
      if (wanted.startsWith('localhost/')) throw unusable(`Podman has no image ${wanted}`);
      say('images', `pulling ${wanted}`);
      await user.exec('podman', ['pull', '--quiet', wanted], { timeout: LOAD_TIMEOUT_MS });
    }
    return remember(wanted);
  }
  const base = await ensureBaseImage(layout, user, say, async () => {
    throw unusable('no registry is within reach, and there is no mmdebstrap to make a base image with');
  });
  return await ensureHelperImage(layout, user, product, base, say);

  function remember(name: string): string {
    manifest.helperImage = name;
    save();
    return name;
  }
}

function unusable(why: string): BulkheadError {
  return new BulkheadError(
    'init-impossible',
    why,
    'Install mmdebstrap, or build the image elsewhere, "podman save" it, and give the archive with --helper-image <absolute path>.',
  );
}
