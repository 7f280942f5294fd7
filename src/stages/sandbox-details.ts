import { guaranteeNames } from '../guarantees/guarantee.ts';
import type { GuaranteeResults } from '../guarantees/results.ts';
import { shortId } from '../podman/images.ts';
import type { Settings } from '../policy/schema.ts';
import { formatSize } from '../policy/units.ts';
import { formatImageReference } from '../sandbox/image-reference.ts';
import type { JobImages } from './sandboxes.ts';

/**
 * What a job's author may want to know of the job's sandboxes: `name: value` lines. Why this host does not give something
 * is its operator's concern, and in the receipt.
 * @param user of the build sandbox; undefined means the image's.
 */
export function describeSandboxes(
  settings: Settings,
  user: string | undefined,
  images: JobImages,
  runtime: { readonly version: string | undefined; readonly flags: readonly string[] },
  results: GuaranteeResults,
): string[] {
  const { limits, network } = settings;
  const services = images.services.length ? `, services: ${network.services}` : '';
  return table([
    ['runtime', [runtime.version ?? 'runsc', ...runtime.flags].join(' ')],
    ['helper image', shortId(images.helper)],
    ['user', user ?? "the image's"],
    ['entrypoint', images.entrypoint.length === 0 ? 'none' : JSON.stringify(images.entrypoint)],
    ['capabilities', settings.capabilities.join(', ') || 'none'],
    ['root file system', settings.rootFilesystem],
    ['builds volume', settings.builds === 'memory' ? 'in memory' : 'on disk'],
    ['cache volume', settings.cache],
    ['network', `helper: ${network.helper}, build: ${network.build}${services}`],
    ...images.services.map((image): [string, string] => [
      'service image',
      `${shortId(image)} ${formatImageReference(image.reference)}`,
    ]),
    ['seccomp profile', settings.seccomp],
    ...(['memory', 'cpus', 'pids', 'disk', 'log'] as const).map((name): [string, string] => {
      const value = limits[name];
      return [
        `${name} limit`,
        value === undefined ? 'unlimited' : /cpus|pids/.test(name) ? `${value}` : formatSize(value),
      ];
    }),
    ...(images.services.length === 0 || limits.serviceMemory === undefined
      ? []
      : [['memory limit of a service', formatSize(limits.serviceMemory)] as const]),
    ...guaranteeNames.flatMap((name): [string, string][] => {
      const seen = results[name];
      if (seen === undefined) return [];
      return [[name, seen.state === 'proven' ? `proven: ${seen.evidence}` : 'not on this runner']];
    }),
  ]);
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
