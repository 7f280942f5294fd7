import type { Podman } from '../../podman/client.ts';
import { request } from '../../podman/client.ts';
import { libpod } from '../../podman/libpod.ts';
import { compareVersions } from './versions.ts';
import { within } from './within.ts';

const patienceMs = 20_000;

/** What the Podman service says of itself, as far as checks look at it. */
export interface PodmanInfo {
  readonly version: string;
  readonly rootless: boolean;
  /** As /etc/os-release calls it: debian, fedora, … */
  readonly distribution: string;
  readonly runtime: { readonly name: string; readonly path: string; readonly version: string };
  /** By what the Docker-compatible API says: containers that name no runtime get this one. */
  readonly defaultRuntime: string;
  readonly storage: { readonly driver: string; readonly folder: string; readonly configuration: string };
  /** How many ids of users and of groups a container has. */
  readonly ids: { readonly users: number; readonly groups: number };
}

const oldest = '4.3.0';

/** Before 4.3, what it answers looks differently, and is not read. */
export function isTooOld(version: string): boolean {
  return compareVersions(version, oldest) < 0;
}

interface LibpodInfo {
  readonly version?: { readonly Version?: string };
  readonly host?: {
    readonly distribution?: { readonly distribution?: string };
    readonly security?: { readonly rootless?: boolean };
    readonly ociRuntime?: { readonly name?: string; readonly path?: string; readonly version?: string };
    readonly idMappings?: { readonly uidmap?: readonly IdRange[] | null; readonly gidmap?: readonly IdRange[] | null };
  };
  readonly store?: { readonly graphDriverName?: string; readonly graphRoot?: string; readonly configFile?: string };
}

interface IdRange {
  readonly size: number;
}

/** @throws BulkheadError when Podman does not answer. */
export async function podmanInfo(podman: Podman): Promise<PodmanInfo> {
  const asked = Promise.all([
    request('info', libpod<LibpodInfo>(podman, '/info')),
    request('info', podman.info() as Promise<{ readonly DefaultRuntime?: string }>),
  ]);
  const [{ version, host, store }, compat] = await within(patienceMs, 'info', asked);
  const runtime = host?.ociRuntime;
  const total = (ranges: readonly IdRange[] | null | undefined) =>
    (ranges ?? []).reduce((sum, { size }) => sum + size, 0);
  return {
    version: version?.Version ?? '',
    rootless: host?.security?.rootless === true,
    distribution: host?.distribution?.distribution ?? '',
    runtime: {
      name: runtime?.name ?? '',
      path: runtime?.path ?? '',
      version: runtime?.version?.split('\n')[0] ?? '',
    },
    defaultRuntime: compat.DefaultRuntime ?? '',
    storage: {
      driver: store?.graphDriverName ?? '',
      folder: store?.graphRoot ?? '',
      configuration: store?.configFile ?? '',
    },
    ids: { users: total(host?.idMappings?.uidmap), groups: total(host?.idMappings?.gidmap) },
  };
}
