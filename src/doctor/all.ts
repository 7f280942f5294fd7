import { cgroups } from './cgroups.ts';
import type { Check } from './check.ts';
import { clock } from './clock.ts';
import { configuration } from './configuration.ts';
import { defaultRuntime } from './default-runtime.ts';
import { diskSpace } from './disk-space.ts';
import { gitlabRunner } from './gitlab-runner.ts';
import { guarantees } from './guarantees.ts';
import { helperImage } from './helper-image.ts';
import { leftovers } from './leftovers.ts';
import { linger } from './linger.ts';
import { nodeVersion } from './node-version.ts';
import { podmanRootless } from './podman-rootless.ts';
import { podmanSocket } from './podman-socket.ts';
import { podmanVersion } from './podman-version.ts';
import { podmanVulnerabilities } from './podman-vulnerabilities.ts';
import { policies } from './policies.ts';
import { receipts } from './receipts.ts';
import { runnerConfiguration } from './runner-configuration.ts';
import { runsc } from './runsc.ts';
import { sandbox } from './sandbox.ts';
import { stateFolder } from './state-folder.ts';
import { storageDriver } from './storage-driver.ts';
import { subordinateIds } from './subordinate-ids.ts';
import { tunDevice } from './tun-device.ts';

/** What `bulkhead doctor` looks at, in this order: first what the rest builds on. */
export const checks: readonly Check[] = [
  nodeVersion,
  configuration,
  policies,
  stateFolder,
  receipts,
  gitlabRunner,
  runnerConfiguration,
  podmanSocket,
  podmanVersion,
  podmanVulnerabilities,
  podmanRootless,
  defaultRuntime,
  storageDriver,
  subordinateIds,
  tunDevice,
  linger,
  cgroups,
  diskSpace,
  clock,
  helperImage,
  leftovers,
  sandbox,
  runsc,
  ...guarantees,
];
