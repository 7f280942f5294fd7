import { execa } from 'execa';
import { findProgram } from './find-program.ts';
import { hashOf } from './image-build.ts';
import { baseImage, INPUTS_LABEL, REGISTRY_BASE } from './image-names.ts';
import type { HostLayout } from './layout.ts';
import { findImage } from './podman-api.ts';
import type { PodmanUser } from './podman-user.ts';
import { release } from './release.ts';
import type { Say } from './say.ts';

const PULL_TIMEOUT_MS = 90_000;

/** What to make images of on hosts that are not Debian. */
const OTHERWISE = { version: '13', codename: 'trixie' };

/**
 * The Debian image that all others are built on: from a registry where one can be reached, else made here. Its id.
 * @param needMmdebstrap is called when it has to be made and mmdebstrap is missing: installs it, or throws.
 */
export async function ensureBaseImage(
  layout: HostLayout,
  user: PodmanUser,
  say: Say,
  needMmdebstrap: () => Promise<void>,
): Promise<string> {
  const { version, codename } = release().id === 'debian' ? release() : OTHERWISE;
  const name = baseImage(version);
  if (!(await findImage(layout, name))) {
    const from = `${REGISTRY_BASE}:${codename}-slim`;
    say('images', `pulling ${from}`);
    if (!(await pull(user, from, name))) {
      if (!findProgram('mmdebstrap')) await needMmdebstrap();
      say('images', `no registry within reach: making ${name} with mmdebstrap`);
      await bootstrap(user, codename, name);
    }
  }
  const image = await findImage(layout, name);
  if (!image) throw new Error(`${name} was made, yet Podman's service does not see it`);
  return image.id;
}

async function pull(user: PodmanUser, from: string, name: string): Promise<boolean> {
  const { failed } = await user.exec('podman', ['pull', '--quiet', from], { reject: false, timeout: PULL_TIMEOUT_MS });
  if (failed) return false;
  await user.exec('podman', ['tag', from, name]);
  return true;
}

async function bootstrap(user: PodmanUser, codename: string, name: string): Promise<void> {
  const making = execa('mmdebstrap', ['--quiet', '--variant=minbase', codename, '-'], {
    stdin: 'ignore',
    buffer: { stdout: false },
    encoding: 'buffer',
  });
  // With the label, pruning keeps what could not be pulled again.
  const label = `--change=LABEL ${INPUTS_LABEL}=${hashOf('mmdebstrap', codename)}`;
  const importing = user.exec('podman', ['import', '--quiet', label, '-'], { stdin: 'pipe' });
  // The name comes last: what an interrupted mmdebstrap left is no base image.
  const { stdout: id } = await making.pipe(importing);
  await user.exec('podman', ['tag', String(id).trim(), name]);
}
