import * as z from 'zod';

// Go ignores unknown keys and takes null for "not given".
const schema = z.object({
  driver: z.object({ name: z.string().nullish(), version: z.string().nullish() }).nullish(),
  hostname: z.string().nullish(),
  builds_dir: z.string().nullish(),
  cache_dir: z.string().nullish(),
  builds_dir_is_shared: z.boolean().nullish(),
  job_env: z.record(z.string(), z.string()).nullish(),
  shell: z.string().nullish(),
});

export type DriverConfig = z.infer<typeof schema>;

/** What config printed (executors/custom/api/config.go). Nothing at all is fine; anything but one JSON object throws. */
export function parseDriverConfig(stdout: Buffer): DriverConfig {
  if (stdout.length === 0) return {};
  try {
    return schema.parse(JSON.parse(stdout.toString()));
  } catch (cause) {
    throw new Error('error while parsing JSON output of config', { cause });
  }
}
