import { posix } from 'node:path';
import type { JobVariable } from './job-services.ts';

/** Of the job's variables in the environment of this process, where GitLab Runner puts them with their values expanded. */
export const variablePrefix = 'CUSTOM_ENV_';
/** GitLab Runner's own, beside those of the job, whose values are in a file by the time that a script looks. */
export const tlsFiles = ['CI_SERVER_TLS_CA_FILE', 'CI_SERVER_TLS_CERT_FILE', 'CI_SERVER_TLS_KEY_FILE'];
/** What GitLab Runner adds for its Custom executor alone: the definitions of all services. */
const notOfTheJob = 'CI_JOB_SERVICES';

/**
 * The environment that the Docker executor gives a job's containers: all of its variables, expanded, where this process has
 * them from GitLab Runner. That one gives contents of file variables; a container gets their paths (common/spec/variables.go).
 * @param variables of the job, from its description: it says which are files.
 */
export function jobEnvironment(env: NodeJS.ProcessEnv, variables: readonly JobVariable[]): Map<string, string> {
  const isFile = new Map(variables.map(({ key, file }) => [key, file]));
  const folder = env[`${variablePrefix}RUNNER_TEMP_PROJECT_DIR`] ?? '';
  return new Map(
    Object.entries(env).flatMap(([key, value = '']): [string, string][] => {
      const name = key.startsWith(variablePrefix) ? key.slice(variablePrefix.length) : '';
      if (name === '' || name === notOfTheJob) return [];
      return [[name, isFile.get(name) === true || tlsFiles.includes(name) ? posix.join(folder, name) : value]];
    }),
  );
}
