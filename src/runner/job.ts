import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { BulkheadError } from '../errors.ts';

/** The part of the job response (gitlab-runner, common/spec) that we use. Nil lists arrive as null. */
const jobResponseSchema = z.object({
  id: z.number().int().positive(),
  job_info: z.object({ project_id: z.number().int().nonnegative(), project_full_path: z.string().nullish() }),
  git_info: z.object({ repo_url: z.string() }),
  runner_info: z.object({ timeout: z.number().int().nonnegative() }),
  image: z.object({ name: z.string() }).nullish(),
});

/** One CI job, as GitLab's server described it to the runner. */
export interface Job {
  readonly id: number;
  /** Address of the GitLab server, with its relative URL root if it has one: job ids are only unique within one. */
  readonly instance: string;
  /** Names this job on this host: unique over GitLab instances, the same in every stage and attempt. */
  readonly key: string;
  readonly projectId: number;
  /** Seconds that GitLab gives the job. */
  readonly timeoutSeconds: number;
  /**
   * The image as its author wrote it, undefined when the job names none. GitLab Runner has expanded its variables (since
   * 16.0, common/build.go: expandContainerOptions); expanding again would let a value name other variables.
   */
  readonly image: string | undefined;
}

/**
 * Reads JOB_RESPONSE_FILE. It is what GitLab's server sent; `CUSTOM_ENV_*` can be forged by the job's author.
 * @throws BulkheadError `job-response-unreadable`.
 */
export async function readJob(env: NodeJS.ProcessEnv): Promise<Job> {
  const path = env['JOB_RESPONSE_FILE'];
  if (!path) throw unreadable('JOB_RESPONSE_FILE is not set');
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    // Not the parser's words: they quote the text, which holds secrets, and cleanup's messages are not masked.
    const why = cause instanceof SyntaxError ? 'it is not JSON' : (cause as Error).message;
    throw unreadable(`${path}: ${why}`, cause);
  }
  return parseJob(json);
}

/** @throws BulkheadError `job-response-unreadable` with the path of each wrong field. */
export function parseJob(json: unknown): Job {
  const result = jobResponseSchema.safeParse(json);
  if (!result.success) {
    throw unreadable(result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  }
  const response = result.data;
  const instance = instanceOf(response.git_info.repo_url, response.job_info.project_full_path ?? undefined);
  return {
    id: response.id,
    instance,
    key: `${response.id}-${createHash('sha256').update(instance).digest('hex').slice(0, 12)}`,
    projectId: response.job_info.project_id,
    timeoutSeconds: response.runner_info.timeout,
    image: response.image?.name || undefined,
  };
}

/** Without the project, and above all without the job token that the URL carries. */
function instanceOf(repositoryUrl: string, projectPath: string | undefined): string {
  try {
    const url = new URL(repositoryUrl);
    const suffix = `/${projectPath}.git`;
    const root =
      projectPath !== undefined && url.pathname.endsWith(suffix) ? url.pathname.slice(0, -suffix.length) : '';
    return `${url.protocol}//${url.host}${root}`;
  } catch (cause) {
    throw unreadable('git_info.repo_url is not a URL', cause);
  }
}

function unreadable(why: string, cause?: unknown): BulkheadError {
  return new BulkheadError(
    'job-response-unreadable',
    `GitLab Runner's description of the job cannot be read: ${why}`,
    'Use GitLab Runner 14.0 or newer with the Custom executor; see docs/errors.md.',
    { cause },
  );
}
