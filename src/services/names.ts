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

/** More than anybody needs; each is a line in the hosts file of every sandbox of the job. */
export const mostAliases = 32;
/** Warnings of one service that name an alias each; what comes after them is counted. */
const mostWarnings = 8;

/** What is a name in a hosts file whatever reads it: one that DNS could carry, too. */
const label = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const longestName = 253;

function isHostName(name: string): boolean {
  return name.length <= longestName && name.split('.').every((part) => label.test(part));
}

/** Gives each alias to the first service that asks for it. Pure. @throws BulkheadError `image-reference-invalid`. */
export function nameServices(
  services: readonly { readonly image: string; readonly aliases: readonly string[] }[],
): Naming {
  const taken = new Set<string>();
  const warnings: string[] = [];
  const aliases = services.map(({ image, aliases }, index) => {
    const service = `service "${image}" (services[${index}])`;
    const own: string[] = [];
    const skipped: string[] = [];
    const beyond: string[] = [];
    for (const alias of distinct([...serviceName(image).aliases, ...aliases])) {
      const skipping = `Skipping alias "${cut(alias)}" for ${service}`;
      // The names of DNS have no case.
      const key = alias.toLowerCase();
      if (!isHostName(alias)) skipped.push(`${skipping}: it is no name of a host.`);
      else if (taken.has(key)) skipped.push(`${skipping}: alias is already in use by another service.`);
      else if (own.length === mostAliases) beyond.push(alias);
      else own.push(alias);
    }
    for (const alias of own) taken.add(alias.toLowerCase());
    warnings.push(...skipped.slice(0, mostWarnings));
    if (skipped.length > mostWarnings) {
      warnings.push(`Skipping ${skipped.length - mostWarnings} more aliases for ${service}, for the same reasons.`);
    }
    if (beyond.length > 0) {
      const named = beyond.slice(0, mostWarnings).map((alias) => `"${cut(alias)}"`);
      const more = beyond.length > named.length ? ` and ${beyond.length - named.length} more` : '';
      warnings.push(`Skipping ${named.join(', ')}${more} for ${service}: a service has at most ${mostAliases} names.`);
    }
    if (own.length === 0)
      warnings.push(`Service "${image}" (services[${index}]) is not started: no alias is left for it.`);
    return own;
  });
  return { aliases, warnings };
}

/** Enough to find it in .gitlab-ci.yml. */
function cut(alias: string): string {
  return alias.length > 80 ? `${alias.slice(0, 80)}…` : alias;
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
