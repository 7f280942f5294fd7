import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BulkheadError } from './errors.ts';

const absolutePath = z.string().startsWith('/', 'must be an absolute path');

/** What the operator decides for this host. Never read from the job. */
export const configurationSchema = z.strictObject({
  /** Path of the dedicated rootless Podman service's Docker-compatible API socket. */
  socket: absolutePath,
  /** Image of the helper sandbox and the courier: git, git-lfs, bash, ca-certificates. */
  helperImage: z.string().min(1),
  /** Image for jobs that name none. */
  defaultImage: z.string().min(1).optional(),
  /** seccomp profile of every sandbox, a path that the Podman service's user can read. */
  seccompProfile: absolutePath,
  /** Static init that is PID 1 of every sandbox (catatonit). Read by the driver, sent in with the scripts. */
  init: absolutePath.default('/usr/bin/catatonit'),
  /** gitlab-runner (or gitlab-runner-helper) binary for cache and artifacts, mounted read-only into the helper. */
  gitlabRunner: absolutePath.optional(),
  /** Seconds between TERM and KILL for the processes of a stage that GitLab Runner ends. */
  terminationGraceSeconds: z.number().int().min(0).max(240).default(10),
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
 * @throws BulkheadError `configuration-not-found`, `configuration-unsafe` (others could write it) or
 *   `configuration-invalid` (with the path of each wrong key).
 */
export async function loadConfiguration(env: NodeJS.ProcessEnv, flag?: string): Promise<Configuration> {
  const paths = configurationPaths(env, flag);
  for (const path of paths) {
    const text = await readOwnFile(path);
    if (text !== undefined) return parseConfiguration(path, text);
  }
  throw new BulkheadError(
    'configuration-not-found',
    `no configuration found; looked at ${paths.join(', ')}`,
    'Write one, or name it with --config or BULKHEAD_CONFIG.',
  );
}

/** The file's text, or undefined when there is none. Checks the opened file, so it cannot be swapped in between. */
async function readOwnFile(path: string): Promise<string | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // Without O_NONBLOCK a FIFO that somebody put there would keep us waiting for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BulkheadError(
      'configuration-not-found',
      `cannot open ${path}: ${(cause as Error).message}`,
      'Let the user that runs GitLab Runner read it.',
      { cause },
    );
  }
  try {
    const status = await file.stat();
    if (!status.isFile()) throw unsafe(path, 'is not a regular file');
    const trustedOwners = [0, process.getuid?.() ?? 0];
    if ((status.mode & 0o022) !== 0 || !trustedOwners.includes(status.uid)) {
      throw unsafe(
        path,
        `could be changed by another user (owner ${status.uid}, mode ${(status.mode & 0o7777).toString(8)})`,
      );
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function unsafe(path: string, why: string): BulkheadError {
  return new BulkheadError(
    'configuration-unsafe',
    `${path} ${why}`,
    `Make it a regular file of root or of the runner's user: chown root ${path} && chmod 644 ${path}`,
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
