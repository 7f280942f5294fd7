import { join } from 'node:path';
import * as z from 'zod';
import { BulkheadError } from './errors.ts';
import { readTrustedFile } from './host/trusted-file.ts';

const absolutePath = z.string().startsWith('/', 'must be an absolute path');

/** What the operator decides for this host. Never read from the job. */
export const configurationSchema = z.strictObject({
  /** Path of the dedicated rootless Podman service's Docker-compatible API socket. */
  socket: absolutePath,
  /** Image of the helper sandbox and the courier: git, git-lfs, bash, ca-certificates. */
  helperImage: z.string().min(1),
  /** Image for jobs that name none. */
  defaultImage: z.string().min(1).optional(),
  /** Folder of the policies, `<name>.json`, and of their assignments. */
  policies: absolutePath,
  /** Folder of the seccomp profiles, `<name>.json`, that policies name; the Podman service's user can read it. */
  seccompProfiles: absolutePath,
  /** Folder that the driver's user owns and writes: the receipts, and who may use which image. */
  stateFolder: absolutePath,
  /** File of registry logins, a Docker `config.json`, that serve every job whose policy allows the image. */
  registryAuth: absolutePath.optional(),
  /** What this runner is called in the assignments of policies. */
  runner: z.string().min(1).max(100).optional(),
  /** Static init that is PID 1 of every sandbox (catatonit). Read by the driver, sent in with the scripts. */
  init: absolutePath.default('/usr/bin/catatonit'),
  /** gitlab-runner (or gitlab-runner-helper) binary for cache and artifacts, mounted read-only into the helper. */
  gitlabRunner: absolutePath.optional(),
  /** Seconds between TERM and KILL for the processes of a stage that GitLab Runner ends. */
  terminationGraceSeconds: z.number().int().min(0).max(240).default(10),
  /** Seconds that a job waits for its services to answer; 0 waits for none. */
  servicesTimeoutSeconds: z.number().int().min(0).max(3600).default(30),
});

export type Configuration = z.infer<typeof configurationSchema>;

/**
 * Where the configuration is looked for, best first. Only the operator's own settings count: `CUSTOM_ENV_*` comes from
 * the job and is never asked.
 */
export function configurationPaths(env: NodeJS.ProcessEnv, flag?: string): string[] {
  if (flag) return [flag];
  if (env['BULKHEAD_CONFIG']) return [env['BULKHEAD_CONFIG']];
  const home = env['XDG_CONFIG_HOME'] || (env['HOME'] ? join(env['HOME'], '.config') : undefined);
  return [...(home ? [join(home, 'bulkhead/config.json')] : []), '/etc/bulkhead/config.json'];
}

/**
 * Reads and checks the first configuration file that exists.
 * @throws BulkheadError `configuration-not-found`, `file-unsafe` (others could write it) or `configuration-invalid`
 *   (with the path of each wrong key).
 */
export async function loadConfiguration(env: NodeJS.ProcessEnv, flag?: string): Promise<Configuration> {
  const paths = configurationPaths(env, flag);
  for (const path of paths) {
    const text = await readTrustedFile(path);
    if (text !== undefined) return parseConfiguration(path, text);
  }
  throw new BulkheadError(
    'configuration-not-found',
    `no configuration found; looked at ${paths.join(', ')}`,
    'Write one, or name it with --config or BULKHEAD_CONFIG.',
  );
}

function parseConfiguration(path: string, text: string): Configuration {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BulkheadError(
      'configuration-invalid',
      `${path} is not JSON: ${(cause as Error).message}`,
      'Correct the file.',
      { cause },
    );
  }
  const result = configurationSchema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || '(top level)'}: ${issue.message}`);
  throw new BulkheadError('configuration-invalid', `${path}: ${problems.join('; ')}`, 'Correct the keys named.');
}
