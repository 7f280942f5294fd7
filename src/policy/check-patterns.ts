import type { SettingFinding } from './finding.ts';
import { compileGlob } from './glob.ts';
import { findNameOutside } from './glob-cover.ts';
import { type ImagePattern, parseImagePattern } from './image-pattern.ts';
import type { Settings } from './schema.ts';

/** What GitLab gives every job. */
const everyJobHas = ['CI', 'GITLAB_CI', 'CI_JOB_ID', 'CI_JOB_TOKEN', 'CI_PROJECT_ID', 'CI_COMMIT_SHA', 'CI_REGISTRY'];

/** Patterns of a policy that match too much, or nothing. */
export function checkPatterns({ images, services, environment, limits }: Settings): SettingFinding[] {
  const found: SettingFinding[] = [];
  if (images.allow.length === 0) {
    const fix = 'Allow some, such as docker.io/library/*.';
    found.push({ level: 'error', at: ['images', 'allow'], message: 'is empty: no job can run', fix });
  }
  found.push(...images.allow.flatMap((_, index) => imagePattern('images', images, index)));
  if (limits.services > 0) {
    found.push(...services.allow.flatMap((_, index) => imagePattern('services', services, index)));
  }
  for (const [index, glob] of environment.refuse.entries()) {
    const hit = everyJobHas.find(compileGlob(glob));
    if (hit === undefined) continue;
    const message = `"${glob}" matches ${hit}, which every job has: no job can run`;
    found.push({ level: 'error', at: ['environment', 'refuse', index], message, fix: 'Make it narrower.' });
  }
  return found;
}

function imagePattern(kind: 'images' | 'services', rules: Settings['images'], index: number): SettingFinding[] {
  const text = rules.allow[index] ?? '';
  const pattern = parseImagePattern(text);
  const at = [kind, 'allow', index];
  if (rules.digest === 'required' && pattern.tag !== undefined) {
    const message = `"${text}" matches nothing: it names a tag, and ${kind}.digest requires digests`;
    return [{ level: 'error', at, message, fix: 'Leave the tag out.' }];
  }
  const wider = rules.allow.find(
    (other, i) => i !== index && covers(parseImagePattern(other), pattern) && (i < index || !sameAs(other, pattern)),
  );
  if (wider !== undefined) {
    const message = `"${text}" adds nothing: "${wider}" allows the same and more`;
    return [{ level: 'info', at, message, fix: 'Remove one of them.' }];
  }
  const danger = tooWide(pattern);
  return danger === undefined
    ? []
    : [{ level: 'warning', at, message: `"${text}" ${danger}`, fix: 'Write the registry out, or begin with "*.".' }];
}

/**
 * A registry glob is safe when all hosts that it matches are of one owner: `*.` and a domain, or no wildcard at all. The port
 * may be any.
 */
function tooWide({ registry, path }: ImagePattern): string | undefined {
  const [host = ''] = registry.split(':');
  if (/^\*+$/.test(host)) {
    return path === '**' ? 'allows every image of every registry' : 'allows registries that anybody may run';
  }
  if (!/[*?]/.test(host) || /^\*\.[^*?]+\.[^*?]+$/.test(host)) return undefined;
  const twin = host.startsWith('*')
    ? host.replace(/^\*(\.?)/, (_, dot) => (dot ? 'evil.' : 'evil-'))
    : host.replace('*', '.evil.org').replaceAll('?', 'x');
  return `matches registries of others, such as ${twin.replaceAll('*', 'x').replace(/\.{2,}/g, '.')}`;
}

function covers(wide: ImagePattern, narrow: ImagePattern): boolean {
  const within = (glob: string, one: string) => findNameOutside(one, [glob]) === undefined;
  if (!within(wide.registry, narrow.registry) || !within(wide.path, narrow.path)) return false;
  if (wide.tag !== undefined) return narrow.tag !== undefined && within(wide.tag, narrow.tag);
  if (wide.digest !== undefined) return narrow.digest !== undefined && [narrow.digest, '*'].includes(wide.digest);
  return true;
}

function sameAs(other: string, pattern: ImagePattern): boolean {
  return covers(pattern, parseImagePattern(other));
}
