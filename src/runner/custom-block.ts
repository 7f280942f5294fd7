/** As GitLab Runner calls them. */
export const stages = ['config', 'prepare', 'run', 'cleanup'] as const;

/** What a runner's table in config.toml says beside its `[runners.custom]`, the key first. */
export const runnerKeys: readonly (readonly [key: string, value: string | readonly string[], comment?: string])[] = [
  ['builds_dir', '/builds'],
  ['cache_dir', '/cache'],
  [
    'environment',
    ['CI_DISPOSABLE_ENVIRONMENT=true'],
    'As the Docker executor says of itself; GitLab Runner says nothing for a Custom executor.',
  ],
];

/**
 * Seconds that GitLab Runner waits, when it is told to end at once, for jobs to end and to be cleaned up after. More than
 * what one stage may take to end, less than the 90 after which systemd kills a service that does not stop.
 */
export const shutdownTimeoutSeconds = 80;

/** Everything in `[runners.custom]`: the key, its value, and the comment that stands before it. */
function customEntries(
  program: string,
): (readonly [key: string, value: string | number | readonly string[], comment?: string])[] {
  return [
    ...stages.flatMap((stage) => [[`${stage}_exec`, program] as const, [`${stage}_args`, [stage]] as const]),
    ['config_exec_timeout', 120, 'Seconds. prepare pulls images; the job log says what it waits for.'],
    ['prepare_exec_timeout', 1800],
    ['cleanup_exec_timeout', 300],
    ['graceful_kill_timeout', 60, 'Seconds. Together well below the 300 that the runner waits for an aborted job.'],
    ['force_kill_timeout', 10],
  ];
}

/** What the block means, as a TOML parser would read it. */
export function customTable(program: string): Record<string, unknown> {
  return Object.fromEntries(customEntries(program).map(([key, value]) => [key, value]));
}

/** The lines below `[runners.custom]`. */
export function customLines(program: string): string[] {
  return tomlLines(customEntries(program), '    ');
}

/** Keys and values as lines of TOML. JSON's strings and lists of strings are TOML's. */
export function tomlLines(
  entries: readonly (readonly [key: string, value: unknown, comment?: string])[],
  indent: string,
): string[] {
  return entries.flatMap(([key, value, comment]) => [
    ...(comment === undefined ? [] : [`${indent}# ${comment}`]),
    `${indent}${key} = ${JSON.stringify(value)}`,
  ]);
}

/**
 * The `[runners.custom]` block of GitLab Runner's config.toml that makes it call this driver.
 * @param program absolute path of bin/bulkhead.
 */
export function customBlock(program: string): string {
  return ['  [runners.custom]', ...customLines(program), ''].join('\n');
}

/** A whole runner for config.toml, but for what registering gives it: name, url and token. */
export function runnerBlock(program: string): string {
  return [
    `shutdown_timeout = ${shutdownTimeoutSeconds}`,
    '',
    '[[runners]]',
    '  executor = "custom"',
    ...tomlLines(runnerKeys, '  '),
    customBlock(program),
  ].join('\n');
}
