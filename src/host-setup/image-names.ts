/** Every image that is made on the host lives under this name, which no registry can serve. */
export const OWN = 'localhost/bulkhead';

/** Where a registry can be reached, base images come from here: `<name>:<codename>-slim`. */
export const REGISTRY_BASE = 'docker.io/library/debian';

export const baseImage = (version: string): string => `${OWN}/debian:${version}`;
/** The helper's tag follows its contents: running jobs keep the image they started with. */
export const HELPER_REPOSITORY = `${OWN}/helper`;
