import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers } from '../src/host-setup/podman-api.ts';
import { whatServiceIsNot } from '../src/host-setup/service-check.ts';
import { writeIfChanged } from '../src/host-setup/write-if-changed.ts';
import { systemdRuns } from './host.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';
import { SetupError, say } from './say.ts';
import * as supervised from './service-supervised.ts';
import * as systemd from './service-systemd.ts';

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
  const wrong = await whatServiceIsNot(layout);
  if (wrong !== undefined) throw new SetupError(`${wrong}; see ${keeper.logHint(layout)}`);
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
