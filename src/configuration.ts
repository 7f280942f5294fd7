import { z } from 'zod';

const absolutePath = z.string().startsWith('/', 'must be an absolute path');

/** What the operator decides for this host. Never read from the job. */
export const configurationSchema = z.strictObject({
  /** Path of the dedicated rootless Podman service's Docker-compatible API socket. */
  socket: absolutePath,
  /** Image of the helper sandbox and the courier: git, git-lfs, bash, ca-certificates. */
  helperImage: z.string().min(1),
  /** Image for jobs that name none. */
  defaultImage: z.string().min(1).optional(),
  /** seccomp profile of every sandbox, a path that the Podman service's user can read. */
  seccompProfile: absolutePath,
  /** Static init that is PID 1 of every sandbox (catatonit). Read by the driver, sent in with the scripts. */
  init: absolutePath.default('/usr/bin/catatonit'),
  /** gitlab-runner (or gitlab-runner-helper) binary for cache and artifacts, mounted read-only into the helper. */
  gitlabRunner: absolutePath.optional(),
});

export type Configuration = z.infer<typeof configurationSchema>;
