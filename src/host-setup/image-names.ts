/** Every image that set-up makes lives under this name, which no registry can serve. */
const OWN = 'localhost/bulkhead';

/** Where a registry can be reached, base images come from here: `<name>:<codename>-slim`. */
export const REGISTRY_BASE = 'docker.io/library/debian';

export const baseImage = (version: string): string => `${OWN}/debian:${version}`;
/** The helper's tag follows its contents: running jobs keep the image they started with. */
export const HELPER_REPOSITORY = `${OWN}/helper`;
/** Debian with Python 3: the job's image in the demonstration, and the default one. */
export const EXAMPLE_IMAGE = `${OWN}/example-python:3`;

/** Images that only tests want. */
export const TEST_IMAGES = {
  /** Only `sh`: busybox, no bash. */
  busybox: `${OWN}/busybox:1`,
  /** The same, whose configuration says user 1000. */
  busyboxNonRoot: `${OWN}/busybox-user:1`,
  /** Busybox again; its user is root under another name, and any user becomes root by a setuid program. */
  insider: `${OWN}/insider:1`,
  /** One text file: no shell, no program at all. */
  noShell: `${OWN}/no-shell:1`,
} as const;

/** Services that only tests want: Debian's Redis, and its PostgreSQL with a cluster that everybody may use. */
export const SERVICE_IMAGES = { redis: `${OWN}/redis:1`, postgresql: `${OWN}/postgresql:1` } as const;
