import { BulkheadError } from '../errors.ts';

/** What an image is made for. */
export interface Platform {
  readonly os: string;
  /** As Go calls it: amd64, arm64, … */
  readonly architecture: string;
  readonly variant: string | undefined;
}

const aliases: Readonly<Record<string, string>> = {
  x64: 'amd64',
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  ppc64: 'ppc64le',
};

function architectureOf(name: string): string {
  return aliases[name] ?? name;
}

/** What this host's sandboxes run. */
export const hostArchitecture: string = architectureOf(process.arch);

/**
 * Reads `image:docker:platform`: `linux/amd64`, `linux/arm64/v8`, or an architecture alone.
 * @throws BulkheadError `image-platform-unavailable` when nothing of it could run here: gVisor emulates no processor, and a
 *   foreign image that was pulled all the same would stand under its name for the host's other jobs.
 */
export function parsePlatform(text: string, host: string = hostArchitecture): Platform {
  const parts = text.toLowerCase().split('/');
  const [os = '', architecture = '', variant] = parts.length === 1 && text !== 'linux' ? ['linux', ...parts] : parts;
  const platform = { os, architecture: architectureOf(architecture || host), variant };
  const wellFormed = parts.length <= 3 && parts.every((part) => /^[a-z0-9_.-]{1,32}$/.test(part));
  if (wellFormed && os === 'linux' && platform.architecture === host) return platform;
  throw new BulkheadError(
    'image-platform-unavailable',
    `this runner runs images for linux/${host}, not for platform "${text.slice(0, 100)}"`,
    'Remove "platform" from the job\'s image, or send the job to a runner for that platform by "tags".',
  );
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}
