import type { Variable } from './variables.ts';

/** An image or service as the runner re-encodes it: empty lists and texts are left out (common/spec/spec.go). */
export interface Image {
  name: string;
  alias?: string;
  command?: string[];
  entrypoint?: string[];
  ports?: { number?: number; protocol?: string; name?: string }[];
  variables?: Variable[];
  pull_policy?: string[];
  executor_opts: { docker: { platform: string; user: string }; kubernetes: { user: string } };
}

export interface Step {
  name: string;
  script: string[] | null;
  timeout: number;
  when: 'on_success' | 'on_failure' | 'always';
  allow_failure: boolean;
}

export interface Cache {
  key: string;
  untracked: boolean;
  policy: '' | 'pull-push' | 'pull' | 'push';
  paths: string[] | null;
  when: '' | 'on_success' | 'on_failure' | 'always';
  fallback_keys: string[] | null;
}

export interface Artifact {
  name: string;
  untracked: boolean;
  paths: string[] | null;
  exclude: string[] | null;
  when: '' | 'on_success' | 'on_failure' | 'always';
  artifact_type: string;
  artifact_format: string;
  expire_in: string;
}

export interface Dependency {
  id: number;
  token: string;
  name: string;
  artifacts_file: { filename: string; size: number };
}

/** What JOB_RESPONSE_FILE holds: spec.Job of common/spec/spec.go, field by field in its order. */
export interface Job {
  id: number;
  token: string;
  allow_git_fetch: boolean;
  job_info: {
    name: string;
    stage: string;
    pipeline_id: number;
    project_id: number;
    project_name: string;
    project_full_path: string;
    namespace_id: number;
    root_namespace_id: number;
    organization_id: number;
    instance_id: string;
    instance_uuid: string;
    user_id: number;
    scoped_user_id?: number;
    time_in_queue_seconds: number;
    project_jobs_running_on_instance_runners_count: string;
    queue_size: number;
    queue_depth: number;
  };
  git_info: {
    repo_url: string;
    repo_object_format: string;
    ref: string;
    sha: string;
    before_sha: string;
    ref_type: 'branch' | 'tag';
    refspecs: string[] | null;
    depth: number;
    protected: boolean | null;
  };
  runner_info: { uuid: string; timeout: number };
  inputs: Record<string, never>;
  variables: Variable[] | null;
  steps: Step[] | null;
  image: Image;
  services: Image[] | null;
  artifacts: Artifact[] | null;
  cache: Cache[] | null;
  credentials: { type: string; url: string; username: string; password: string }[] | null;
  dependencies: Dependency[] | null;
  features: {
    trace_sections: boolean;
    token_mask_prefixes: string[] | null;
    failure_reasons: string[] | null;
    tracing: null;
  };
  hooks?: { name: 'pre_get_sources_script' | 'post_get_sources_script'; script: string[] }[];
  policy_options: { execution_policy_job: boolean; policy_name: string };
  suspend_options: Record<string, never>;
}

/** The bytes of JOB_RESPONSE_FILE: Go's encoder escapes `<`, `>`, `&` and ends the text with a newline. */
export function encodeJob(job: Job): string {
  const escaped = JSON.stringify(job).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${escaped}\n`;
}
