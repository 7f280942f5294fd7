/** Paths inside every sandbox of a job. */
export const sandboxPaths = {
  /** builds_dir: the volume that helper and build sandbox share. */
  builds: '/builds',
  /** cache_dir. */
  cache: '/cache',
  /** The scripts volume, read-only: PID 1 and the stage scripts. */
  driver: '/bulkhead',
  init: '/bulkhead/init',
  gitlabRunner: '/usr/local/bin/gitlab-runner',
} as const;
