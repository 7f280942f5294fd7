import { BulkheadError } from '../errors.ts';
import type { ServiceFacts } from '../podman/service.ts';
import type { Observation } from './guarantee.ts';
import { proven, violated } from './observation.ts';
import type { HostFacts } from './sandbox-facts.ts';

/**
 * Refuses a Podman service that runs as root: an escape from a sandbox there would be root on the host.
 * @throws BulkheadError `podman-not-rootless`.
 */
export function requireRootless(service: Pick<ServiceFacts, 'rootless'>): void {
  if (service.rootless) return;
  throw new BulkheadError(
    'podman-not-rootless',
    'the Podman service behind the configured socket runs as root',
    'Run a dedicated service as an unprivileged user, and name its socket in the configuration.',
  );
}

/** The sandbox process belongs to an unprivileged user of the host. */
export function observeRootless({ process, container }: Pick<HostFacts, 'container' | 'process'>): Observation {
  const remedy = 'Run the Podman service as an unprivileged user.';
  if (process === undefined) return violated(`its process ${container.pid} does not exist`, remedy);
  if (process.uid === 0) return violated('its process runs as root of the host', remedy);
  return proven(`uid ${process.uid}`);
}
