import type { Podman } from './client.ts';

/**
 * One request of Podman's own API, which has words for what the Docker-compatible one has none for: a GET, or a POST of
 * `body`. Errors: dockerode's.
 */
export function libpod<T>(podman: Podman, path: string, body?: Readonly<Record<string, unknown>>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    podman.modem.dial(
      {
        path: `/v4.0.0/libpod${path}`,
        method: body === undefined ? 'GET' : 'POST',
        // docker-modem takes a body as "options".
        ...(body !== undefined && { options: body }),
        statusCodes: { 200: true, 400: 'bad request', 404: 'not found', 409: 'conflict', 500: 'server error' },
      },
      (error: unknown, data: unknown) => (error ? reject(error) : resolve(data as T)),
    );
  });
}

/** libpod's own word on a container; `T` is the part of it that counts for the caller. Errors: dockerode's. */
export function inspectContainer<T>(podman: Podman, container: string): Promise<T> {
  return libpod<T>(podman, `/containers/${encodeURIComponent(container)}/json`);
}
