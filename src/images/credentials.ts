import { statSync } from 'node:fs';
import type { Configuration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import { readTrustedFile } from '../host/trusted-file.ts';
import type { ImageReference } from '../sandbox/image-reference.ts';
import { Secret } from '../secret.ts';
import { type DockerConfig, parseDockerConfig, type RegistryLogin } from './docker-config.ts';

/** What is shown to a registry. */
export interface Credential {
  /** For the job log: where it comes from. */
  readonly source: string;
  readonly login: Secret<Omit<RegistryLogin, 'address'>>;
}

/** Logins of several sources: of two for the same registry path, that of the earlier source counts. */
export class Credentials {
  readonly #byPath = new Map<string, Credential>();

  add(source: string, logins: readonly RegistryLogin[]): void {
    for (const { address, ...login } of logins) {
      const path = registryPath(address);
      if (!this.#byPath.has(path)) this.#byPath.set(path, { source, login: new Secret(login) });
    }
  }

  /**
   * The login for the longest part of the image's path that has one. Whole components count: what is kept for
   * `registry.example.com` is not for `registry.example.com.evil.org`, nor for another port.
   */
  for({ registry, path }: Pick<ImageReference, 'registry' | 'path'>): Credential | undefined {
    for (let place = `${registry}/${path}`; ; place = place.slice(0, place.lastIndexOf('/'))) {
      const found = this.#byPath.get(place);
      if (found !== undefined || !place.includes('/')) return found;
    }
  }
}

const dockerHub = /^(?:index|registry-1)\.docker\.io$/;

/** `registry/path` of a login's address. Of a URL only the host counts, and a tag does not, as with GitLab Runner. */
function registryPath(address: string): string {
  const withoutScheme = address.replace(/^https?:\/\//i, '');
  const isUrl = withoutScheme !== address;
  const [host = '', ...rest] = withoutScheme.replace(/\/+$/, '').split('/');
  const registry = dockerHub.test(host.toLowerCase()) ? 'docker.io' : host.toLowerCase();
  if (isUrl || rest.length === 0) return registry;
  return [registry, ...rest].join('/').replace(/:[^/]*$/, '');
}

/** Where a job's logins come from. */
export interface CredentialSources {
  /** The value of the variable, with its own variables expanded. */
  readonly dockerAuthConfig: string | undefined;
  /** Of the job's `credentials`, which GitLab's server gave to the runner. */
  readonly job: Secret<readonly RegistryLogin[]>;
}

/**
 * Gathers the logins in GitLab Runner's order: the variable, the operator's file, the job's own.
 * @param warn says in the job log what is left out.
 * @throws BulkheadError `registry-auth-invalid` for the variable; `configuration-invalid` or `file-unsafe` for the file.
 */
export async function gatherCredentials(
  sources: CredentialSources,
  { registryAuth }: Pick<Configuration, 'registryAuth'>,
  warn: (text: string) => Promise<void>,
): Promise<Credentials> {
  const credentials = new Credentials();
  const variable = readVariable(sources.dockerAuthConfig);
  if (variable.helpers.length > 0) {
    const keys = variable.helpers.join(' and ');
    await warn(`${keys} of DOCKER_AUTH_CONFIG is ignored: this runner runs no credential helpers; use "auths"`);
  }
  credentials.add('DOCKER_AUTH_CONFIG', variable.logins);
  if (registryAuth !== undefined) credentials.add('the operator', await readOperatorFile(registryAuth));
  credentials.add('the job', sources.job.reveal());
  return credentials;
}

function readVariable(value: string | undefined): DockerConfig {
  if (value === undefined || value.trim() === '') return { logins: [], helpers: [] };
  try {
    return parseDockerConfig(value);
  } catch (error) {
    throw new BulkheadError(
      'registry-auth-invalid',
      `DOCKER_AUTH_CONFIG cannot be used: ${(error as Error).message}`,
      'Make it what a Docker config.json is: {"auths": {"registry.example.com": {"auth": "<base64 of user:password>"}}}.',
    );
  }
}

async function readOperatorFile(path: string): Promise<readonly RegistryLogin[]> {
  const invalid = (why: string, hint: string) =>
    new BulkheadError('configuration-invalid', `registryAuth, ${path}: ${why}`, hint);
  const content = await readTrustedFile(path);
  if (content === undefined)
    throw invalid('it does not exist', 'Write it, or remove registryAuth from the configuration.');
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o004) !== 0) {
    throw invalid(`every user of this host can read it (mode 0${mode.toString(8)})`, `chmod o-r ${path}`);
  }
  let config: DockerConfig;
  try {
    config = parseDockerConfig(content);
  } catch (error) {
    throw invalid((error as Error).message, 'Make it with: podman login --authfile <file> <registry>.');
  }
  const [helper] = config.helpers;
  if (helper === undefined) return config.logins;
  throw invalid(`"${helper}" names a program that keeps credentials; none is run`, 'Write the logins to "auths".');
}
