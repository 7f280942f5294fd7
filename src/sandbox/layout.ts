/** Paths inside every sandbox of a job. */
export const sandboxPaths = {
  /** builds_dir: the volume that helper and build sandbox share. */
  builds: '/builds',
  /** cache_dir. */
  cache: '/cache',
  /** The scripts volume, read-only: PID 1 and the stage scripts. */
  driver: '/bulkhead',
  init: '/bulkhead/init',
  /** The static program of probe/, which looks at the sandbox from within. */
  probe: '/bulkhead/probe',
  /** A file on the scripts volume that anybody could write to, were it not on a read-only mount: the probe tries. */
  canary: '/bulkhead/canary',
  /** A file of the scripts volume that is not there before all sandboxes are proven: services wait for it. */
  gate: '/bulkhead/gate',
  gitlabRunner: '/usr/local/bin/gitlab-runner',
} as const;

/** Where the helper image has the probe; the Containerfile puts it there. */
export const probeInHelperImage = '/usr/local/libexec/bulkhead-probe';
