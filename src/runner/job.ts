import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { BulkheadError } from '../errors.ts';
import type { RegistryLogin } from '../images/docker-config.ts';
import type { JobRequest } from '../policy/decide.ts';
import { Secret } from '../secret.ts';
import { type JobService, type JobVariable, jobService, serviceFields, text, variableSchema } from './job-services.ts';

const imageSchema = z.object({
  name: z.string(),
  entrypoint: z.array(z.string()).nullish(),
  pull_policy: z.array(z.string()).nullish(),
  executor_opts: z
    .object({
      docker: z.object({ platform: z.string().nullish(), user: z.union([z.string(), z.number()]).nullish() }).nullish(),
    })
    .nullish(),
});

const credentialSchema = z.object({ type: text, url: text, username: text, password: text });

/** The part of the job response (gitlab-runner, common/spec) that we use. Nil lists arrive as null. */
const jobResponseSchema = z.object({
  id: z.number().int().positive(),
  job_info: z.object({
    project_id: z.number().int().nonnegative(),
    project_full_path: z.string().nullish(),
    namespace_id: z.number().int().nullish(),
    user_id: z.number().int().nullish(),
  }),
  git_info: z.object({ repo_url: z.string(), protected: z.boolean().nullish() }),
  runner_info: z.object({ timeout: z.number().int().nonnegative() }),
  image: imageSchema.nullish(),
  services: z.array(imageSchema.extend(serviceFields)).nullish(),
  variables: z.array(variableSchema).nullish(),
  /** What GitLab Runner fetches from a vault, by the names of the variables that it makes of them. */
  secrets: z.record(z.string(), z.object({ file: z.boolean().nullish() }).nullish()).nullish(),
  credentials: z.array(credentialSchema).nullish(),
  features: z.object({ trace_sections: z.boolean().nullish() }).nullish(),
});

/** One CI job, as GitLab's server described it to the runner. */
export interface Job {
  readonly id: number;
  /** Address of the GitLab server, with its relative URL root if it has one: job ids are only unique within one. */
  readonly instance: string;
  /** Names this job on this host: unique over GitLab instances, the same in every stage and attempt. */
  readonly key: string;
  readonly projectId: number;
  /** Undefined when GitLab is too old to say; so are the next two, which it gives as 0. */
  readonly projectPath: string | undefined;
  readonly namespaceId: number | undefined;
  readonly userId: number | undefined;
  /** Whether the ref is protected; GitLab before 18.3 does not say, and then it is not. */
  readonly protected: boolean;
  /** Seconds that GitLab gives the job. */
  readonly timeoutSeconds: number;
  /** Whether GitLab folds sections of the job log. */
  readonly logSections: boolean;
  /** `image:docker:platform`; undefined when the job leaves it to the runner. */
  readonly imagePlatform: string | undefined;
  /** `image:entrypoint`; empty when the job leaves it to the image. */
  readonly imageEntrypoint: readonly string[];
  /** Logins of container registries that GitLab's server gave to this job. */
  readonly registryLogins: Secret<readonly RegistryLogin[]>;
  /** All variables of the job; those that GitLab Runner fetches itself are there by name only. */
  readonly variables: Secret<readonly JobVariable[]>;
  /** In the order of `request.services`. */
  readonly services: readonly JobService[];
  /** What the job's author asks for. */
  readonly request: JobRequest;
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
    throw unreadable(
      result.error.issues.map((issue) => `${issue.path.join('.') || '(top level)'}: ${issue.message}`).join('; '),
    );
  }
  const response = result.data;
  const instance = instanceOf(response.git_info.repo_url, response.job_info.project_full_path ?? undefined);
  return {
    id: response.id,
    instance,
    key: `${response.id}-${createHash('sha256').update(instance).digest('hex').slice(0, 12)}`,
    projectId: response.job_info.project_id,
    timeoutSeconds: response.runner_info.timeout,
    projectPath: response.job_info.project_full_path || undefined,
    namespaceId: response.job_info.namespace_id || undefined,
    userId: response.job_info.user_id || undefined,
    protected: response.git_info.protected === true,
    logSections: response.features?.trace_sections === true,
    imagePlatform: response.image?.executor_opts?.docker?.platform || undefined,
    imageEntrypoint: response.image?.entrypoint ?? [],
    registryLogins: new Secret(registryLogins(response.credentials ?? [])),
    variables: new Secret([
      ...(response.variables ?? []),
      // A file unless it says not.
      ...Object.entries(response.secrets ?? {}).map(([key, secret]) => {
        return { key, value: '', public: false, file: secret?.file !== false, raw: true };
      }),
    ]),
    services: (response.services ?? []).map(jobService),
    request: {
      // GitLab Runner has expanded its variables (since 16.0, common/build.go: expandContainerOptions); expanding again
      // would let a value name other variables.
      image: response.image?.name || undefined,
      user: String(response.image?.executor_opts?.docker?.user ?? '') || undefined,
      pullPolicies: response.image?.pull_policy ?? [],
      services: (response.services ?? []).map(({ name, pull_policy, executor_opts }) => {
        const user = String(executor_opts?.docker?.user ?? '');
        return { name, pullPolicies: pull_policy ?? [], ...(user !== '' && { user }) };
      }),
      variables: [response, ...(response.services ?? [])].flatMap(({ variables }) =>
        (variables ?? []).map(({ key }) => key),
      ),
    },
  };
}

function registryLogins(credentials: readonly z.infer<typeof credentialSchema>[]): RegistryLogin[] {
  return credentials
    .filter(({ type, url }) => type === 'registry' && url !== '')
    .map(({ url, username, password }) => ({ address: url, username, password, identityToken: undefined }));
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
