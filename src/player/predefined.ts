import type { Job } from './job-response.ts';
import type { Variable } from './variables.ts';
import { variable } from './variables.ts';

/**
 * The CI_* variables that GitLab itself puts at the front of a job's variables (not those the runner adds: build.ts).
 * The job's author can override every one of them.
 */
export function predefinedVariables(job: Job, gitlabUrl: URL): Variable[] {
  const { job_info: info, git_info: git } = job;
  const server = gitlabUrl.origin;
  const namespace = info.project_full_path.split('/').slice(0, -1).join('/');
  const port = gitlabUrl.port || (gitlabUrl.protocol === 'https:' ? '443' : '80');
  const open: Record<string, string> = {
    CI: 'true',
    GITLAB_CI: 'true',
    CI_PIPELINE_ID: `${info.pipeline_id}`,
    CI_PIPELINE_IID: '1',
    CI_PIPELINE_SOURCE: 'push',
    CI_PIPELINE_URL: `${server}/${info.project_full_path}/-/pipelines/${info.pipeline_id}`,
    CI_JOB_ID: `${job.id}`,
    CI_JOB_NAME: info.name,
    CI_JOB_NAME_SLUG: slug(info.name),
    CI_JOB_STAGE: info.stage,
    CI_JOB_URL: `${server}/${info.project_full_path}/-/jobs/${job.id}`,
    CI_JOB_STARTED_AT: '2026-01-02T03:04:05Z',
    CI_NODE_TOTAL: '1',
    CI_CONFIG_PATH: '.gitlab-ci.yml',
    CI_COMMIT_SHA: git.sha,
    CI_COMMIT_SHORT_SHA: git.sha.slice(0, 8),
    CI_COMMIT_BEFORE_SHA: git.before_sha,
    CI_COMMIT_REF_NAME: git.ref,
    CI_COMMIT_REF_SLUG: slug(git.ref),
    CI_COMMIT_REF_PROTECTED: git.protected ? 'true' : 'false',
    ...(git.ref_type === 'tag' ? { CI_COMMIT_TAG: git.ref } : { CI_COMMIT_BRANCH: git.ref }),
    CI_DEFAULT_BRANCH: 'main',
    CI_PROJECT_ID: `${info.project_id}`,
    CI_PROJECT_NAME: info.project_name,
    CI_PROJECT_PATH: info.project_full_path,
    CI_PROJECT_PATH_SLUG: slug(info.project_full_path),
    CI_PROJECT_NAMESPACE: namespace,
    CI_PROJECT_NAMESPACE_ID: `${info.namespace_id}`,
    CI_PROJECT_ROOT_NAMESPACE: namespace.split('/')[0] ?? '',
    CI_PROJECT_URL: `${server}/${info.project_full_path}`,
    CI_PROJECT_VISIBILITY: 'private',
    CI_SERVER_NAME: 'GitLab',
    CI_SERVER_VERSION: '19.4.0',
    CI_SERVER_URL: server,
    CI_SERVER_HOST: gitlabUrl.hostname,
    CI_SERVER_PORT: port,
    CI_SERVER_PROTOCOL: gitlabUrl.protocol.slice(0, -1),
    CI_API_V4_URL: `${server}/api/v4`,
    CI_REGISTRY_USER: 'gitlab-ci-token',
    GITLAB_USER_ID: `${info.user_id}`,
    GITLAB_USER_LOGIN: 'sample-user',
  };
  const secret = { CI_JOB_TOKEN: job.token, CI_REGISTRY_PASSWORD: job.token };
  const repository = { CI_REPOSITORY_URL: git.repo_url };
  return [
    ...Object.entries(open).map(([key, value]) => variable(key, value)),
    ...Object.entries(secret).map(([key, value]) => variable(key, value, { public: false, masked: true })),
    ...Object.entries(repository).map(([key, value]) => variable(key, value, { public: false })),
  ];
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
}
