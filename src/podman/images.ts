import type { Readable } from 'node:stream';
import { isNotFound, type Podman, request } from './client.ts';

/** What the local store says of an image. */
export interface ImageFacts {
  /** `sha256:…` of its configuration: the same image, whatever name it goes by. */
  readonly id: string;
  /** The user that its containers run as, as the image writes it; empty means root. */
  readonly user: string;
  /** Program and arguments of its ENTRYPOINT; empty for none. */
  readonly entrypoint: readonly string[];
  /** Of its CMD. */
  readonly command: readonly string[];
  /** `NAME=value`. */
  readonly environment: readonly string[];
  /** As in `6379/tcp`. */
  readonly exposedPorts: readonly string[];
  /** `registry/path@sha256:…` of every manifest it is known by. */
  readonly digests: readonly string[];
}

/** As people write an image's id. */
export function shortId({ id }: Pick<ImageFacts, 'id'>): string {
  return id.replace('sha256:', '').slice(0, 12);
}

/** The same, and what decides whether a job may have it. */
export interface StoredImage extends ImageFacts {
  /** As Go calls them: linux; amd64, arm64, … */
  readonly os: string;
  readonly architecture: string;
  /** Of its layers, unpacked. */
  readonly bytes: number;
  /** `registry/path` of every name it is known by, without tags and digests. */
  readonly repositories: readonly string[];
}

/**
 * An image in the local store, or undefined. Podman finds a digest under any name: `docker.io/library/x@sha256:…` is found when
 * any repository's image has that manifest. Look at `repositories` before you take it for what was asked for.
 */
export async function findImage(podman: Podman, name: string): Promise<StoredImage | undefined> {
  try {
    const answer = await request('inspect image', podman.getImage(name).inspect());
    const { Id, Config, RepoTags, RepoDigests, Os, Architecture, Size } = answer;
    return {
      id: Id,
      user: Config?.User ?? '',
      entrypoint: [Config?.Entrypoint ?? []].flat(),
      command: [Config?.Cmd ?? []].flat(),
      environment: Config?.Env ?? [],
      exposedPorts: Object.keys(Config?.ExposedPorts ?? {}),
      digests: RepoDigests ?? [],
      os: Os,
      architecture: Architecture,
      bytes: Size,
      repositories: repositoriesOf(RepoTags, RepoDigests),
    };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Ids of the images that the store knows by a name in that repository. */
export async function imagesOfRepository(podman: Podman, repository: string): Promise<string[]> {
  const found = await listNamedImages(podman, { reference: [repository] });
  return found.filter(({ repositories }) => repositories.includes(repository)).map(({ id }) => id);
}

/** Every image of the store, with the repositories that it is known by. */
export async function listNamedImages(
  podman: Podman,
  filters: Readonly<Record<string, readonly string[]>> = {},
): Promise<{ readonly id: string; readonly repositories: readonly string[] }[]> {
  const images = await request('list images', podman.listImages({ filters: JSON.stringify(filters) }));
  return images.map(({ Id, RepoTags, RepoDigests }) => ({
    id: Id,
    repositories: repositoriesOf(RepoTags, RepoDigests),
  }));
}

function repositoriesOf(tags: readonly string[] | null | undefined, digests: readonly string[] | null | undefined) {
  const names = [...(tags ?? []), ...(digests ?? [])];
  return [...new Set(names.map((name) => name.replace(/@.*$/, '').replace(/:[^/]*$/, '')))];
}

export interface PullOptions {
  /** Fully qualified. */
  readonly name: string;
  readonly platform: string | undefined;
  /** What the registry is shown; undefined for nothing. */
  readonly login:
    | { readonly username: string; readonly password: string; readonly identityToken: string | undefined }
    | undefined;
}

/**
 * Lets Podman pull an image, and returns what it says meanwhile: lines of JSON, an error among them perhaps. Podman asks the
 * registry even when it has the image.
 */
export async function openPull(
  podman: Podman,
  { name, platform, login }: PullOptions,
  signal: AbortSignal,
): Promise<Readable> {
  const { username, password, identityToken: identitytoken } = login ?? {};
  const stream = await request(
    'pull image',
    podman.createImage({
      fromImage: name,
      ...(platform !== undefined && { platform }),
      // The header goes to Podman's memory alone. An empty set of logins is not none: without the header Podman would take
      // those that its own user has, from `podman login`, for any job.
      authconfig:
        login === undefined ? {} : { username, password, ...(identitytoken !== undefined && { identitytoken }) },
      abortSignal: signal,
    }),
  );
  return stream as Readable;
}
