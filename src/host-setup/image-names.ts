/** Every image that is made on the host lives under this name, which no registry can serve. */
export const OWN = 'localhost/bulkhead';

/** Where a registry can be reached, base images come from here: `<name>:<codename>-slim`. */
export const REGISTRY_BASE = 'docker.io/library/debian';

export const baseImage = (version: string): string => `${OWN}/debian:${version}`;
/** The helper's tag follows its contents: running jobs keep the image they started with. */
export const HELPER_REPOSITORY = `${OWN}/helper`;

/** Images that are made here carry the hash of what they were made from; a difference is a reason to make them again. */
export const INPUTS_LABEL = 'bulkhead.inputs';

/**
 * What makes room in the store of the service, for an operator to read. Without --all Podman removes only what has no name;
 * without the filter the helper image, too, while no job runs; without the environment another store's.
 */
export const PRUNE_IMAGES = `as Podman's user, with the environment of the service: podman image prune --all --filter label!=${INPUTS_LABEL}`;
