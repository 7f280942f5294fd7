import { BulkheadError } from '../errors.ts';

/** A fully qualified image reference. Every part is what will be asked for: nothing is left to a later look-up. */
export interface ImageReference {
  /** Host and optional port, lower case. */
  readonly registry: string;
  /** Repository path within the registry, such as `library/debian`. */
  readonly path: string;
  /** Absent when a digest decides. */
  readonly tag: string | undefined;
  /** `sha256:…`; wins over a tag. */
  readonly digest: string | undefined;
}

// The grammar of distribution/reference. Anchored, and no part can match what another part also matches, so that a
// hostile name costs linear time.
const host =
  /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]{1,5})?$/;
const dockerHub = /^(?:index\.)?docker\.io$/i;
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;
const longest = 255;

/**
 * Reads an image name as the Docker CLI does: no registry means docker.io, a single component there means `library/…`, no
 * tag means `latest`. Nothing else is guessed; transports such as `docker-archive:` are not names.
 * @throws BulkheadError `image-reference-invalid`.
 */
export function parseImageReference(text: string): ImageReference {
  if (text === '') throw invalid(text, 'it is empty');
  if (text.length > longest + 100) throw invalid(text, `it is longer than ${longest} characters`);

  const [beforeDigest = '', digest, ...more] = text.split('@');
  if (more.length > 0) throw invalid(text, 'it has more than one @');
  if (digest !== undefined && !digestPattern.test(digest)) {
    throw invalid(text, 'the digest after @ is not sha256: and 64 hexadecimal digits');
  }

  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon > beforeDigest.lastIndexOf('/');
  const name = hasTag ? beforeDigest.slice(0, colon) : beforeDigest;
  const tag = hasTag ? beforeDigest.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, 'the tag after : is malformed');

  const { registry, path } = splitRegistry(name);
  if (!host.test(registry)) throw invalid(text, 'the registry is not a host name');
  const wrong = path.split('/').find((part) => !component.test(part));
  if (wrong !== undefined) throw invalid(text, `"${wrong}" is not a valid part of a repository name (lower case only)`);
  if (registry.length + path.length + 1 > longest) throw invalid(text, `it is longer than ${longest} characters`);

  return {
    registry: registry.toLowerCase(),
    path,
    tag: digest === undefined ? (tag ?? 'latest') : undefined,
    digest,
  };
}

/** The one spelling of a reference. */
export function formatImageReference(reference: ImageReference): string {
  const { registry, path, tag, digest } = reference;
  return digest === undefined ? `${registry}/${path}:${tag}` : `${registry}/${path}@${digest}`;
}

function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = slash > 0 && (first.includes('.') || first.includes(':') || first.toLowerCase() === 'localhost');
  if (isRegistry) {
    const path = name.slice(slash + 1);
    const hub = dockerHub.test(first);
    return { registry: hub ? 'docker.io' : first, path: hub && !path.includes('/') ? `library/${path}` : path };
  }
  return { registry: 'docker.io', path: slash < 0 ? `library/${name}` : name };
}

function invalid(text: string, why: string): BulkheadError {
  const shown = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return new BulkheadError(
    'image-reference-invalid',
    `image "${shown}" is not a valid image reference: ${why}`,
    'Write it as registry/path:tag or registry/path@sha256:… and check the variables in it.',
  );
}
