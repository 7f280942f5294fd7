import { expand } from '../runner/expand.ts';
import { variablePrefix as prefix, tlsFiles } from '../runner/job-environment.ts';
import type { JobVariable } from '../runner/job-services.ts';

/**
 * Never a service's: the first is what the Custom executor alone adds, with every service's variables in it; the other
 * opens registries, and a sandbox has no use for it.
 */
const never: ReadonlySet<string> = new Set(['CI_JOB_SERVICES', 'DOCKER_AUTH_CONFIG']);

/**
 * The environment of a service, as the Docker executor makes it (common/build.go: GetServiceVariables): the job's public
 * variables, GitLab Runner's own, then those of the service, which may name any variable of the job, secret ones too.
 * @param variables of the job, from its description: it says which are public.
 * @param own those of the service.
 * @param env of this process, where GitLab Runner puts the variables with their values expanded.
 * @returns `NAME=value`; of two with the same name the last counts.
 */
export function serviceEnvironment(
  variables: readonly JobVariable[],
  own: readonly JobVariable[],
  env: NodeJS.ProcessEnv,
): string[] {
  const described = new Map(variables.map((variable) => [variable.key, variable]));
  const folder = env[`${prefix}RUNNER_TEMP_PROJECT_DIR`] ?? '';
  const fileOf = (name: string) => `${folder}/${name}`;
  const ownValues = new Map(own.map((variable) => [variable.key, variable]));
  const lookUp = (name: string) => {
    const mine = ownValues.get(name);
    if (mine !== undefined) return mine.file ? fileOf(name) : mine.value;
    return described.get(name)?.file || tlsFiles.includes(name) ? fileOf(name) : (env[prefix + name] ?? '');
  };

  const runners = Object.entries(env).flatMap(([key, value = '']): [string, string][] => {
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : '';
    if (name === '' || described.has(name)) return [];
    return [[name, tlsFiles.includes(name) ? fileOf(name) : value]];
  });
  const publicOnes = variables
    .filter((variable) => variable.public)
    .map((variable): [string, string] => {
      const { key, value, file, raw } = variable;
      if (file) return [key, fileOf(key)];
      // A secret one of the same name hides it from GitLab Runner's environment, but not from a service's.
      if (described.get(key) === variable) return [key, env[prefix + key] ?? ''];
      return [key, raw ? value : expand(value, lookUp)];
    });
  const services = own.map(({ key, value, file, raw }): [string, string] => [
    key,
    file ? fileOf(key) : raw ? value : expand(value, lookUp),
  ]);
  const result = new Map([...runners, ...publicOnes, ...services]);
  return [...result].flatMap(([name, value]) => (isName(name) && !never.has(name) ? [`${name}=${value}`] : []));
}

/** Podman refuses a container for a name that is none; a zero byte ends a value. */
function isName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  return /^[^=\u0000]+$/.test(name);
}
