import type { ImageInput, JobInput } from '../player/job-input.ts';
import { type Variable, variable } from '../player/variables.ts';
import { unusable } from './artifacts-folder.ts';
import { type ArtifactRules, checkRules } from './artifacts-match.ts';
import type { PipelineJob } from './pipeline.ts';

const secondsOf: readonly (readonly [unit: RegExp, seconds: number])[] = [
  [/^y(?:ears?|rs?)?$/i, 31_557_600],
  [/^mo(?:nths?|s)?$/i, 2_592_000],
  [/^w(?:eeks?|ks?)?$/i, 604_800],
  [/^d(?:ays?)?$/i, 86_400],
  [/^h(?:ours?|rs?)?$/i, 3600],
  [/^m(?:in(?:ute)?s?)?$/i, 60],
  [/^s(?:ec(?:ond)?s?)?$/i, 1],
];
const longestTimeout = 100;

/**
 * A job of a pipeline as GitLab would send it. Its artifacts and caches are not in it: there is no GitLab to keep them.
 * @throws BulkheadError `artifacts-unusable` when its artifacts have a glob that is none.
 */
export function jobInput(job: PipelineJob, given: readonly Variable[]): JobInput {
  try {
    checkRules(artifactRules(job));
  } catch (error) {
    throw unusable((error as Error).message, 'Correct artifacts: of the job in .gitlab-ci.yml.', error);
  }
  const timeout = job.timeout === null ? undefined : parseTimeout(job.timeout);
  return {
    name: job.name,
    stage: job.stage,
    ...(job.image && { image: imageInput(job.image) }),
    services: job.services.map((service) => ({
      ...imageInput(service),
      ...(service.alias && { alias: service.alias }),
      ...(service.command && { command: service.command }),
      ...(service.variables && { variables: service.variables }),
    })),
    // The later of two with one name counts.
    variables: [...Object.entries(job.variables).map(([key, value]) => variable(key, value)), ...given],
    beforeScript: job.beforeScript,
    script: job.script,
    ...(job.afterScript.length > 0 && { afterScript: job.afterScript }),
    ...(timeout !== undefined && { timeout }),
  };
}

/** What `artifacts:` of a job says of files. */
export function artifactRules({ artifacts }: PipelineJob): ArtifactRules {
  const { paths, exclude, untracked } = artifacts ?? {};
  return { paths: paths ?? [], exclude: exclude ?? [], untracked: untracked ?? false };
}

function imageInput(image: NonNullable<PipelineJob['image']>): ImageInput {
  const { name, entrypoint, pull_policy: pullPolicy, docker } = image;
  return {
    name,
    ...(entrypoint && { entrypoint }),
    ...(pullPolicy && { pullPolicy }),
    ...(docker?.user !== undefined && { user: docker.user }),
    ...(docker?.platform !== undefined && { platform: docker.platform }),
  };
}

/** Seconds of what GitLab writes for a duration, such as `1h 30m` or `90 minutes`; undefined for what is none. */
export function parseTimeout(text: string): number | undefined {
  if (text.length > longestTimeout) return undefined;
  if (/^\d+$/.test(text)) return Number(text) || undefined;
  const parts = [...text.matchAll(/(\d+)\s*([a-z]+)/gi)];
  const rest = text.replace(/(\d+)\s*([a-z]+)|and|[\s,]/gi, '');
  if (rest !== '') return undefined;
  const seconds = parts.reduce((sum, [, amount, unit = '']) => {
    return sum + Number(amount) * (secondsOf.find(([name]) => name.test(unit))?.[1] ?? Number.NaN);
  }, 0);
  return seconds > 0 ? seconds : undefined;
}
