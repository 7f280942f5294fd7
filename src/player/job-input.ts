import type { Artifact, Cache, Dependency, Job } from './job-response.ts';
import type { Variable } from './variables.ts';

export interface ImageInput {
  readonly name: string;
  readonly alias?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly pullPolicy?: readonly string[];
  readonly user?: string;
  readonly platform?: string;
}

/** What somebody says about a job; everything has a default that GitLab would plausibly send. */
export interface JobInput {
  readonly id?: number;
  readonly name?: string;
  readonly stage?: string;
  readonly token?: string;
  readonly userId?: number;
  readonly pipelineId?: number;
  /** Address of the GitLab instance, without a path. The repository is at `<gitlabUrl>/<project.path>.git`. */
  readonly gitlabUrl?: string;
  readonly project?: { readonly id?: number; readonly path?: string; readonly namespaceId?: number };
  readonly git?: {
    readonly sha?: string;
    readonly ref?: string;
    readonly refType?: 'branch' | 'tag';
    readonly refspecs?: readonly string[];
    /** 0 fetches everything. */
    readonly depth?: number;
    readonly protected?: boolean | null;
  };
  /** Without one the job has no image, and the driver decides. */
  readonly image?: string | ImageInput;
  readonly services?: readonly (string | ImageInput)[];
  /** The author's variables: plain texts, or whole variables made with variable(). */
  readonly variables?: Readonly<Record<string, string>> | readonly Variable[];
  readonly beforeScript?: readonly string[];
  readonly script?: readonly string[];
  readonly afterScript?: readonly string[];
  /** Steps between script and after_script, such as `release`. */
  readonly extraSteps?: readonly { readonly name: string; readonly script: readonly string[] }[];
  readonly hooks?: Job['hooks'];
  readonly cache?: readonly (Partial<Cache> & { readonly paths: string[] })[];
  readonly artifacts?: readonly (Partial<Artifact> & { readonly paths: string[] })[];
  readonly dependencies?: readonly Dependency[];
  readonly credentials?: Job['credentials'];
  /** The job's timeout in seconds (default 3600). */
  readonly timeout?: number;
  /** Default true: the log carries section markers. */
  readonly traceSections?: boolean;
}
