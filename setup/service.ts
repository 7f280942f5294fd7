import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemdRuns } from './host.ts';
import type { HostLayout } from './layout.ts';
import { answers, podmanGet } from './podman-api.ts';
import type { PodmanUser } from './podman-user.ts';
import { SetupError, say } from './say.ts';
import * as supervised from './service-supervised.ts';
import * as systemd from './service-systemd.ts';
import { writeIfChanged } from './write-if-changed.ts';

const START_TIMEOUT_MS = 30_000;

const keeper = systemdRuns ? systemd : supervised;

/**
 * Has the Podman service running with the configuration that `configuration` stands for, and restarts it only when that
 * differs from the one it was started with.
 */
export async function ensureService(layout: HostLayout, user: PodmanUser, configuration: string): Promise<void> {
  const file = join(layout.dataDir, 'service-started-with.json');
  const wanted = JSON.stringify([configuration, keeper.definition(layout, user)]);
  const unchanged = existsSync(file) && readFileSync(file, 'utf8') === wanted;
  if (unchanged && (await keeper.isKept(layout, user)) && (await answers(layout))) return;
  say('service', `starting Podman for ${user.name} on ${layout.socket}`);
  await keeper.stop(layout, user);
  await keeper.start(layout, user);
  await waitForAnswer(layout);
  await checkService(layout);
  writeIfChanged(file, wanted, { mode: 0o600 });
}

/** Stops the service and what keeps it running. Containers, images and configuration stay. */
export async function stopService(layout: HostLayout, user: PodmanUser): Promise<void> {
  await keeper.stop(layout, user);
  say('service', 'stopped');
}

async function waitForAnswer(layout: HostLayout): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(layout))) {
    if (Date.now() > deadline)
      throw new SetupError(`the Podman service does not answer; see ${keeper.logHint(layout)}`);
    await sleep(50);
  }
}

/** Podman accepts settings that it then ignores, so ask it what it made of them. */
async function checkService(layout: HostLayout): Promise<void> {
  const reply = await podmanGet(layout, '/v4.0.0/libpod/info');
  if (reply?.status !== 200) {
    throw new SetupError(
      `the Podman service does not say what it is (${reply?.status ?? 'no answer'}); see ${keeper.logHint(layout)}`,
    );
  }
  const { host, store } = reply.body as {
    host: { security: { rootless: boolean }; ociRuntime: { path: string } };
    store: { graphDriverName: string; graphRoot: string };
  };
  if (!host.security.rootless) throw new SetupError('Podman does not run rootless');
  if (store.graphDriverName !== 'overlay')
    throw new SetupError(`Podman's storage came out as ${store.graphDriverName}, not overlay`);
  if (host.ociRuntime.path !== join(layout.dataDir, 'bin', 'runsc')) {
    throw new SetupError(`Podman's default runtime came out as ${host.ociRuntime.path}, not runsc`);
  }
}
