import { OWN } from '../src/host-setup/image-names.ts';

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

/** In place of the official images that the projects of examples/, and this one, name, where no registry is within reach. */
export const PROJECT_IMAGES = { c: `${OWN}/example-c:1`, node: `${OWN}/example-node:1`, ci: `${OWN}/ci:1` } as const;
