/** What every step says of itself. */
interface Said {
  /** What is done, as a note of something to do: "make the system user bulkhead". */
  readonly what: string;
  readonly why: string;
}

/** A folder; one that is there already keeps its owner and mode, but for one that init made. */
export interface FolderStep extends Said {
  readonly kind: 'folder';
  readonly path: string;
  readonly mode: number;
  /** Podman's user, or whoever runs init. */
  readonly owner: 'podman' | 'self';
}

export interface FileStep extends Said {
  readonly kind: 'file';
  readonly path: string;
  readonly mode: number;
  readonly content: string;
  /** Whether Podman's service reads it only when it starts. */
  readonly restarts: boolean;
}

/** Something else, which the name tells; `path` and `content` are what it comes to, as far as that is known before. */
export interface ActionStep extends Said {
  readonly kind: 'user' | 'subordinate-ids' | 'linger' | 'delegation' | 'run-folder' | 'service' | 'timer';
  readonly commands: readonly (readonly [string, ...string[]])[];
}

/** The script that Podman runs as its runtime; its flags depend on which network works on this host, which is tried. */
export interface RuntimeStep extends Said {
  readonly kind: 'runtime';
  readonly path: string;
  readonly binary: string;
  readonly version: string;
  readonly content: string;
}

export interface HelperImageStep extends Said {
  readonly kind: 'helper-image';
  /** A name, or the absolute path of an archive; undefined when it is to be made. */
  readonly given: string | undefined;
}

/** config.json, with the name of the helper image once that is known. */
export interface ConfigurationStep extends Said {
  readonly kind: 'configuration';
  readonly path: string;
  readonly content: string;
}

export interface MergeStep extends Said {
  readonly kind: 'merge';
  readonly path: string;
  readonly program: string;
  readonly runner: string | undefined;
  readonly replace: boolean;
}

export type Step = FolderStep | FileStep | ActionStep | RuntimeStep | HelperImageStep | ConfigurationStep | MergeStep;

/** Stands for the helper image's name until it has one. */
export const HELPER_IMAGE_PLACE = '(made by init)';
