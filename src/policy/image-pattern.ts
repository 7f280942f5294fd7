import { type ImageReference, parseImageReference } from '../sandbox/image-reference.ts';
import { compileGlob, globProblem } from './glob.ts';

/**
 * Which images a policy allows: `registry/path`, `registry/path:tag` or `registry/path@sha256:…`, each part a glob. Without
 * tag and digest any is meant. With a tag only references by tag match: what a digest points to has no tag that could be
 * trusted. The registry is never left out, since a short name is a guess.
 */
export interface ImagePattern {
  readonly registry: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

export function parseImagePattern(text: string): ImagePattern {
  const [name = '', digest] = text.split('@');
  const slash = name.indexOf('/');
  const colon = name.lastIndexOf(':');
  const hasTag = colon > slash;
  return {
    registry: name.slice(0, slash),
    path: name.slice(slash + 1, hasTag ? colon : undefined),
    tag: hasTag ? name.slice(colon + 1) : undefined,
    digest,
  };
}

/** What is wrong with a pattern, if anything: also one that no image name could ever match. */
export function imagePatternProblem(text: string): string | undefined {
  if (text.split('@').length > 2) return 'has more than one @';
  const [name = ''] = text.split('@');
  if (!name.includes('/')) return 'names no registry; the full name of a short one is as in docker.io/library/debian';
  const { registry, path, tag, digest } = parseImagePattern(text);
  if (!/[.:*?]/.test(registry) && registry !== 'localhost') {
    return `names no registry; the full name of an image of Docker Hub is docker.io/${registry}/${path}`;
  }
  if (!/^[a-z0-9.*?-]+(?::[0-9*?]{1,5})?$/.test(registry)) {
    return `has "${registry}" for a registry; write a host name in lower case, with :port if it has one`;
  }
  const problem = globProblem(path);
  if (problem !== undefined) return `has a path that ${problem}`;
  if (/[A-Z]/.test(path)) return 'has capital letters in its path, which no image name has';
  if (registry === 'docker.io' && !path.includes('/') && path !== '**') {
    return `matches nothing: the full name of docker.io/${path} is docker.io/library/${path}`;
  }
  if (tag !== undefined && !/^[A-Za-z0-9._*?-]+$/.test(tag)) return `has "${tag}" for a tag`;
  if (digest !== undefined && digest !== '*' && !/^sha256:[0-9a-f]{64}$/.test(digest)) {
    return 'has a digest that is neither sha256: and 64 hexadecimal digits, nor *';
  }
  if (tag !== undefined && digest !== undefined) return 'has both a tag and a digest; a digest alone decides';
  return matchesSomething(text) ? undefined : 'matches nothing: no image name in full looks like that';
}

/**
 * Whether any image name could match: tries one with letters (in ports, digits) for the wildcards, which go everywhere
 * where anything goes. What the parser makes another name of, such as index.docker.io/x/y, cannot be met.
 */
function matchesSomething(text: string): boolean {
  const { registry, path, tag, digest } = parseImagePattern(text);
  const [host = '', port] = registry.split(':');
  const fill = (glob: string, star: string) => glob.replaceAll(/\*+/g, star).replaceAll('?', star.slice(0, 1));
  const name = [
    fill(host, host.includes('.') || port !== undefined ? 'a' : 'a.a'),
    port === undefined ? '' : `:${fill(port, '1')}`,
    `/${fill(path, registry === 'docker.io' && path === '**' ? 'a/a' : 'a')}`,
    tag === undefined ? '' : `:${fill(tag, 'a')}`,
    digest === undefined ? '' : `@${digest === '*' ? `sha256:${'0'.repeat(64)}` : digest}`,
  ].join('');
  try {
    return matchesImage(text, parseImageReference(name));
  } catch {
    return false;
  }
}

/** Whether the pattern allows the image. Pure; `text` must be free of problems. */
export function matchesImage(text: string, reference: ImageReference): boolean {
  const pattern = parseImagePattern(text);
  if (!compileGlob(pattern.registry)(reference.registry) || !compileGlob(pattern.path)(reference.path)) return false;
  if (pattern.tag !== undefined) return reference.tag !== undefined && compileGlob(pattern.tag)(reference.tag);
  if (pattern.digest === undefined) return true;
  return reference.digest !== undefined && (pattern.digest === '*' || pattern.digest === reference.digest);
}
