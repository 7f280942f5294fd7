import { hostname } from 'node:os';
import { loadConfiguration } from '../configuration.ts';
import { writeOutput } from '../runner/output.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import { version } from '../version.ts';
import type { Stage } from './context.ts';

/** `config`: tells GitLab Runner where a job's files live inside the sandbox. Standard output is one JSON object. */
export const config: Stage = async ({ env, codes, configPath }) => {
  // Nothing of it is needed yet, but a host that is not configured should say so before anything else happens.
  await loadConfiguration(env, configPath);
  const answer = {
    driver: { name: 'Bulkhead', version },
    hostname: hostname(),
    builds_dir: sandboxPaths.builds,
    cache_dir: sandboxPaths.cache,
    // Each job has a builds volume of its own.
    builds_dir_is_shared: false,
  };
  await writeOutput('stdout', Buffer.from(JSON.stringify(answer)));
  return codes.success;
};
