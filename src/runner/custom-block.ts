/** As GitLab Runner calls them. */
export const stages = ['config', 'prepare', 'run', 'cleanup'] as const;

/**
 * The `[runners.custom]` block of GitLab Runner's config.toml that makes it call this driver.
 * @param program absolute path of bin/bulkhead.
 */
export function customBlock(program: string): string {
  return [
    '  [runners.custom]',
    ...stages.flatMap((stage) => [
      `    ${stage}_exec = ${JSON.stringify(program)}`,
      `    ${stage}_args = ["${stage}"]`,
    ]),
    '    # Seconds. Together well below the 300 that the runner waits for an aborted job.',
    '    graceful_kill_timeout = 60',
    '    force_kill_timeout = 10',
    '',
  ].join('\n');
}
