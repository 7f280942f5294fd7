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
  /** One text file: no shell, no program at all. */
  noShell: `${OWN}/no-shell:1`,
} as const;
