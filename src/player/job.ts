import type { ImageInput, JobInput } from './job-input.ts';
import type { Artifact, Cache, Image, Job, Step } from './job-response.ts';
import { predefinedVariables } from './predefined.ts';
import { type Variable, variable } from './variables.ts';

export type { JobInput } from './job-input.ts';

/** Makes the job GitLab would send. A job with no `git` gets GIT_STRATEGY none, so that it needs no server. */
export function makeJob(input: JobInput = {}): Job {
  const token = input.token ?? 'glcbt-64_sampleJobToken';
  const path = input.project?.path ?? 'group/project';
  const gitlabUrl = new URL(input.gitlabUrl ?? 'http://gitlab.invalid');
  const repository = new URL(`${path}.git`, gitlabUrl);
  repository.username = 'gitlab-ci-token';
  repository.password = token;
  const ref = input.git?.ref ?? 'main';
  const depth = input.git?.depth ?? 20;
  const namespaceId = input.project?.namespaceId ?? 11;
  const job: Job = {
    id: input.id ?? 1001,
    token,
    allow_git_fetch: true,
    job_info: {
      name: input.name ?? 'test',
      stage: input.stage ?? 'test',
      pipeline_id: input.pipelineId ?? 501,
      project_id: input.project?.id ?? 42,
      project_name: path.split('/').at(-1) ?? path,
      project_full_path: path,
      namespace_id: namespaceId,
      root_namespace_id: namespaceId,
      organization_id: 1,
      instance_id: 'sample-instance',
      instance_uuid: '6f0c1c1e-52d1-4a3c-9c0c-5c6f5f7f0a11',
      user_id: input.userId ?? 7,
      time_in_queue_seconds: 0.25,
      project_jobs_running_on_instance_runners_count: '0',
      queue_size: 0,
      queue_depth: 0,
    },
    git_info: {
      repo_url: repository.href,
      repo_object_format: 'sha1',
      ref,
      sha: input.git?.sha ?? '0123456789abcdef0123456789abcdef01234567',
      before_sha: '0'.repeat(40),
      ref_type: input.git?.refType ?? 'branch',
      refspecs: [...(input.git?.refspecs ?? defaultRefspecs(ref, input.git?.refType ?? 'branch', depth))],
      depth,
      protected: input.git?.protected === undefined ? true : input.git.protected,
    },
    runner_info: { uuid: '', timeout: input.timeout ?? 3600 },
    inputs: {},
    variables: [],
    steps: steps(input),
    image: image(input.image ?? ''),
    services: listOrNull(input.services?.map(image)),
    artifacts: listOrNull(input.artifacts?.map((each) => ({ ...emptyArtifact, ...each }))),
    cache: listOrNull(input.cache?.map((each) => ({ ...emptyCache, ...each }))),
    credentials: input.credentials ?? null,
    dependencies: listOrNull(input.dependencies),
    features: {
      trace_sections: input.traceSections ?? true,
      token_mask_prefixes: null,
      failure_reasons: ['unknown_failure', 'script_failure', 'runner_system_failure', 'job_execution_timeout'],
      tracing: null,
    },
    ...(input.hooks && { hooks: input.hooks }),
    policy_options: { execution_policy_job: false, policy_name: '' },
    suspend_options: {},
  };
  const own = Array.isArray(input.variables)
    ? (input.variables as readonly Variable[])
    : Object.entries(input.variables ?? {}).map(([key, value]) => variable(key, value));
  const withoutSources = input.git ? [] : [variable('GIT_STRATEGY', 'none')];
  job.variables = [...predefinedVariables(job, gitlabUrl), ...withoutSources, ...own];
  return job;
}

const emptyCache: Cache = { key: '', untracked: false, policy: '', paths: null, when: '', fallback_keys: null };

const emptyArtifact: Artifact = {
  name: '',
  untracked: false,
  paths: null,
  exclude: null,
  when: '',
  artifact_type: '',
  artifact_format: '',
  expire_in: '',
};

function listOrNull<T>(list: readonly T[] | undefined): T[] | null {
  return list?.length ? [...list] : null;
}

/** before_script and script arrive as one step; after_script is a step of its own. */
function steps(input: JobInput): Step[] {
  const main = [...(input.beforeScript ?? []), ...(input.script ?? ['true'])];
  const step = (name: string, script: readonly string[]): Step => {
    return { name, script: [...script], timeout: 3600, when: 'on_success', allow_failure: false };
  };
  const extra = (input.extraSteps ?? []).map((each) => step(each.name, each.script));
  const after: Step[] = input.afterScript
    ? [{ ...step('after_script', input.afterScript), when: 'always', allow_failure: true }]
    : [];
  return [step('script', main), ...extra, ...after];
}

function image(input: string | ImageInput): Image {
  const given: ImageInput = typeof input === 'string' ? { name: input } : input;
  const variables = Object.entries(given.variables ?? {}).map(([key, value]) => variable(key, value));
  return {
    name: given.name,
    ...(given.alias && { alias: given.alias }),
    ...(given.command?.length && { command: [...given.command] }),
    ...(given.entrypoint?.length && { entrypoint: [...given.entrypoint] }),
    ...(variables.length > 0 && { variables }),
    ...(given.pullPolicy?.length && { pull_policy: [...given.pullPolicy] }),
    executor_opts: {
      docker: { platform: given.platform ?? '', user: given.user ?? '' },
      kubernetes: { user: '' },
    },
  };
}

function defaultRefspecs(ref: string, type: 'branch' | 'tag', depth: number): string[] {
  if (type === 'tag') return [`+refs/tags/${ref}:refs/tags/${ref}`];
  if (depth > 0) return [`+refs/heads/${ref}:refs/remotes/origin/${ref}`];
  return ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'];
}
