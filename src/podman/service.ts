import { type Podman, request } from './client.ts';
import { libpod } from './libpod.ts';

/** What the Podman service says of itself. */
export interface ServiceFacts {
  readonly rootless: boolean;
  /** The first line of what its default runtime says its version is. */
  readonly runtimeVersion: string | undefined;
}

/** The part of libpod's answer that counts here. */
interface Info {
  readonly host?: {
    readonly security?: { readonly rootless?: boolean };
    readonly ociRuntime?: { readonly version?: string };
  };
}

/** Takes Podman about 0.3 s: it asks its programs for their versions. */
export async function serviceFacts(podman: Podman): Promise<ServiceFacts> {
  const { host } = await request('info', libpod<Info>(podman, '/info'));
  return {
    rootless: host?.security?.rootless === true,
    runtimeVersion: host?.ociRuntime?.version?.split('\n')[0] || undefined,
  };
}
