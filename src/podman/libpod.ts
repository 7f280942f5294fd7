import type { Podman } from './client.ts';

/** One GET of Podman's own API, which tells what the Docker-compatible one has no words for. Errors: dockerode's. */
export function libpod<T>(podman: Podman, path: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    podman.modem.dial(
      {
        path: `/v4.0.0/libpod${path}`,
        method: 'GET',
        statusCodes: { 200: true, 404: 'not found', 500: 'server error' },
      },
      (error: unknown, data: unknown) => (error ? reject(error) : resolve(data as T)),
    );
  });
}
