import { parseImageReference } from '../sandbox/image-reference.ts';

/** A service by its image's name as the job wrote it: nothing is added, and a registry's port is left out. */
export interface ServiceName {
  /** `registry/path`, or `path`. */
  readonly service: string;
  /** A tag, or `@sha256:…`. */
  readonly version: string;
  readonly aliases: readonly string[];
}

/**
 * As GitLab Runner reads a service's name (helpers/container/services): `a/b` is reached as `a__b`, and as `a-b`, since the
 * first is no host name by RFC 1123.
 * @throws BulkheadError `image-reference-invalid`.
 */
export function serviceName(image: string): ServiceName {
  parseImageReference(image);
  const [name = '', digest] = image.split('@');
  const colon = name.lastIndexOf(':');
  const tagged = colon > name.lastIndexOf('/');
  const service = (tagged ? name.slice(0, colon) : name).replace(/^([^/]*):\d+(?=\/)/, '$1');
  const version = tagged ? name.slice(colon + 1) : digest === undefined ? 'latest' : `@${digest}`;
  return { service, version, aliases: distinct([service.replaceAll('/', '__'), service.replaceAll('/', '-')]) };
}

/** A service's aliases, or what is wrong with those that it does not get. */
export interface Naming {
  /** In the order of the services; one with none of its own is not started, since nothing could reach it. */
  readonly aliases: readonly (readonly string[])[];
  readonly warnings: readonly string[];
}

/** What Podman's DNS server can keep: it writes names to a file, apart by commas and spaces. */
const plain = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/;

/** Gives each alias to the first service that asks for it. Pure. @throws BulkheadError `image-reference-invalid`. */
export function nameServices(
  services: readonly { readonly image: string; readonly aliases: readonly string[] }[],
): Naming {
  const taken = new Set<string>();
  const warnings: string[] = [];
  const aliases = services.map(({ image, aliases }, index) => {
    const own: string[] = [];
    for (const alias of distinct([...serviceName(image).aliases, ...aliases])) {
      const skipping = `Skipping alias "${alias}" for service "${image}" (services[${index}])`;
      // The names of DNS have no case.
      const key = alias.toLowerCase();
      if (!plain.test(alias)) warnings.push(`${skipping}: it is no name of a host.`);
      else if (taken.has(key)) warnings.push(`${skipping}: alias is already in use by another service.`);
      else own.push(alias);
    }
    for (const alias of own) taken.add(alias.toLowerCase());
    if (own.length === 0)
      warnings.push(`Service "${image}" (services[${index}]) is not started: no alias is left for it.`);
    return own;
  });
  return { aliases, warnings };
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
