import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ExecaError } from 'execa';
import { asRoot } from './as-root.ts';
import { ensureBundle } from './bundle.ts';
import { writeConfiguration } from './configuration.ts';
import { closedDevices } from './devices.ts';
import { ensureImages } from './images.ts';
import { hostLayout } from './layout.ts';
import { withLock } from './lock.ts';
import { missingNetworkFolder } from './network-folder.ts';
import { missingPackages } from './packages.ts';
import { podmanUser } from './podman-user.ts';
import { installRunsc, RUNSC_CHOICES, type RunscChoice } from './runsc.ts';
import { SetupError } from './say.ts';
import { ensureService, stopService } from './service.ts';
import { makeFolders, writeServiceConfiguration } from './service-configuration.ts';
import { missingUser } from './user.ts';

const HELP = `Sets this host up for development: Podman, runsc, a service of their own, images. Does only what is missing.

  npm run setup                        set up
  npm run setup -- --runsc=latest      use a runsc built by Go modules from now on
  npm run setup -- --runsc=distribution   … the distribution's
  npm run setup -- --runsc=path        … the first on the PATH
  npm run setup -- --stop              stop the Podman service
`;

/** Checks first and acts only where something is missing, so that a second run takes no time and prints nothing. */
async function setUp(choice: RunscChoice | undefined): Promise<void> {
  const layout = hostLayout();
  await asRoot([
    ...(await missingPackages(layout)),
    ...missingNetworkFolder(layout),
    ...closedDevices(),
    ...(await missingUser(layout)),
  ]);
  const user = podmanUser(layout);
  makeFolders(layout, user);
  const configuration = await writeServiceConfiguration(layout, user);
  const runtime = await installRunsc(layout, user, choice);
  await ensureService(layout, user, configuration + runtime);
  writeConfiguration(layout, await ensureImages(layout, user));
  await ensureBundle();
}

async function main(): Promise<void> {
  const { runsc, stop, help } = parseArgs({
    options: { runsc: { type: 'string' }, stop: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  }).values;
  if (help) return void process.stdout.write(HELP);
  const choice = RUNSC_CHOICES.find((name) => name === runsc);
  if (runsc !== undefined && !choice) throw new SetupError(`--runsc= takes ${RUNSC_CHOICES.join(', ')}`);
  const layout = hostLayout();
  await withLock(join(layout.dataDir, 'setup.lock'), () =>
    stop ? stopService(layout, podmanUser(layout)) : setUp(choice),
  );
}

try {
  await main();
} catch (error) {
  const text =
    error instanceof SetupError ? error.message : error instanceof ExecaError ? error.message : String(error);
  process.stderr.write(`setup: ${text}\n`);
  process.exitCode = 1;
}
