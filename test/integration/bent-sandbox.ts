import assert from 'node:assert/strict';
import type { ContainerCreateOptions } from 'dockerode';
import { loadConfiguration } from '../../src/configuration.ts';
import type { Podman } from '../../src/podman/client.ts';
import { createOptions } from '../../src/podman/create-options.ts';
import { findImage } from '../../src/podman/images.ts';
import { loadSeccompProfile } from '../../src/sandbox/seccomp-profile.ts';
import { specifyJob } from '../../src/sandbox/specify.ts';
import { decideJob } from '../../src/stages/decision.ts';
import type { TestJob } from './host.ts';

/**
 * Puts another sandbox in the place of a prepared job's build sandbox: the same but for one change, which no policy could
 * express. Stage scripts then run there, through the driver, and cleanup removes it with the job.
 * @param env where the job's configuration is.
 */
export async function bendBuildSandbox(
  podman: Podman,
  job: TestJob,
  env: Readonly<Record<string, string>>,
  image: string,
  bend: (options: ContainerCreateOptions) => ContainerCreateOptions,
): Promise<void> {
  const configuration = await loadConfiguration(env);
  const { policy } = await decideJob(job.described, configuration);
  const profile = await loadSeccompProfile(configuration.seccompProfiles, policy.settings.seccomp);
  const host = { seccompProfile: profile.path, gitlabRunner: undefined, slice: undefined };
  // The labels are those of the sandbox that it replaces.
  const limits = { log: null, disk: null, memory: null, pids: null };
  const owner = { policy: '', policyHash: '', limits, ulimits: '', deadline: 0, runnerProcess: '' };
  const { build } = specifyJob(job.described, policy.settings, host, owner);
  const found = await findImage(podman, image);
  assert.ok(found, `${image} is in the store`);
  const replaced = podman.getContainer(build.name);
  const { Labels } = (await replaced.inspect()).Config;
  await replaced.remove({ force: true, v: true });
  const container = await podman.createContainer({ ...bend(createOptions(build, found.id)), Labels });
  await container.start();
}
