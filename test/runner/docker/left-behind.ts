import type { HostLayout } from '../../../setup/layout.ts';
import { isNotFound, openPodman } from '../../../src/podman/client.ts';
import { labelKeys } from '../../../src/sandbox/names.ts';

const runnerLabel = 'com.gitlab.gitlab-runner.runner.id';

/**
 * A container on the network that the Docker executor's share, to be removed with theirs. Rootless Podman takes its networks
 * down with the last container, and one that starts in that moment may get none that works (seen with 4.3).
 */
export async function keepNetworkUp(layout: HostLayout, shortToken: string, image: string): Promise<void> {
  const container = await openPodman(layout.socket).createContainer({
    Image: image,
    Cmd: ['sleep', '3600'],
    Labels: { [runnerLabel]: shortToken },
  });
  await container.start();
}

/**
 * Removes what outlives its job on purpose, for the next one of the project: containers and volumes of the Docker executor
 * with that runner's token, as names carry it, and cache volumes of ours for that GitLab.
 */
export async function removeWhatIsKept(layout: HostLayout, shortToken: string, instance: string): Promise<void> {
  const podman = openPodman(layout.socket);
  const dockers = { label: [`${runnerLabel}=${shortToken}`] };
  for (const { Id } of await podman.listContainers({ all: true, filters: dockers })) {
    await podman.getContainer(Id).remove({ force: true, v: true });
  }
  for (const filters of [dockers, { label: [`${labelKeys.instance}=${instance}`] }]) {
    const { Volumes } = await podman.listVolumes({ filters });
    for (const { Name } of Volumes ?? []) {
      // Another comparison on this host may be at its end, too.
      await podman.getVolume(Name).remove().catch(ignoreGone);
    }
  }
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
