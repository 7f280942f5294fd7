import { BulkheadError } from '../errors.ts';
import { type Podman, request } from '../podman/client.ts';

/**
 * Refuses a Podman service that runs as root: an escape from a sandbox there would be root on the host.
 * @throws BulkheadError `podman-not-rootless`.
 */
export async function requireRootless(podman: Podman): Promise<void> {
  const info = (await request('info', podman.info())) as { Rootless?: boolean; SecurityOptions?: string[] };
  if (info.Rootless === true || info.SecurityOptions?.some((option) => option.includes('rootless'))) return;
  throw new BulkheadError(
    'podman-not-rootless',
    'the Podman service behind the configured socket runs as root',
    'Run a dedicated service as an unprivileged user, and name its socket in the configuration.',
  );
}
