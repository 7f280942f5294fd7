import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandContext } from '../../commands/command.ts';
import { type Configuration, loadConfiguration } from '../../configuration.ts';
import { BulkheadError } from '../../errors.ts';
import { listTrustedFolder, readTrustedFile } from '../../host/trusted-file.ts';
import { hostPaths } from '../../host/user-manager.ts';
import { openPodman, type Podman, waitForPodman } from '../../podman/client.ts';
import { findImage, type ImageFacts } from '../../podman/images.ts';
import { type CheckResult, checkFolder } from '../../policy/check.ts';
import { loadAssignments } from '../../policy/load.ts';
import type { Policy } from '../../policy/policy.ts';
import { loadSeccompProfile } from '../../sandbox/seccomp-profile.ts';
import type { JobProof } from '../../stages/proof.ts';
import { rehearseJob } from '../../stages/rehearse.ts';
import { type Account, ownerOf } from './account.ts';
import { Fact, NotLookedAt } from './fact.ts';
import { isTooOld, type PodmanInfo, podmanInfo } from './podman-info.ts';
import { within } from './within.ts';

/** What the command line says. */
export interface DoctorOptions {
  /** GitLab Runner's config.toml. */
  readonly gitlabRunnerConfig: string;
  /** Name of the policy that the sandbox is made under; undefined for that of the last assignment. */
  readonly policy?: string;
}

/** This host, as far as checks look at it. */
export interface Host {
  readonly options: DoctorOptions;
  readonly stop: AbortSignal;
  /** Whether systemd runs here. */
  readonly systemd: boolean;
  readonly configuration: Fact<Configuration>;
  /** Answers. */
  readonly podman: Fact<Podman>;
  readonly info: Fact<PodmanInfo>;
  /** Answers, and is new enough for its lists to be read. */
  readonly supportedPodman: Fact<Podman>;
  readonly account: Fact<Account>;
  readonly policies: Fact<CheckResult>;
  /** undefined when it is missing. */
  readonly helperImage: Fact<ImageFacts | undefined>;
  /** Under which sandboxes are made. */
  readonly policy: Fact<Policy>;
  /** A sandbox that was made, looked at and removed. */
  readonly sandbox: Fact<TriedSandbox>;
}

export interface TriedSandbox extends JobProof {
  readonly policy: Policy;
  /** Whether any job gets that policy. */
  readonly assigned: boolean;
}

const patienceMs = 3000;
const silenceMs = 10_000;

export function openHost(options: DoctorOptions, { env, configPath }: CommandContext, stop: AbortSignal): Host {
  const configuration = new Fact('the configuration cannot be used', () => loadConfiguration(env, configPath));
  const podman = new Fact('Podman does not answer', async () => {
    const client = openPodman((await configuration.need()).socket);
    await within(silenceMs, 'ping', waitForPodman(client, patienceMs));
    return client;
  });
  const info = new Fact('Podman does not say what it is', async () => podmanInfo(await podman.need()));
  const supportedPodman = new Fact('Podman is too old', async () => {
    if (isTooOld((await info.need()).version)) throw new NotLookedAt(supportedPodman.lack);
    return podman.need();
  });
  const account = new Fact('there is no socket', async () => ownerOf((await configuration.need()).socket));
  const policies = new Fact('the policies cannot be read', async () => checkPolicies(await configuration.need()));
  const helperImage = new Fact('the helper image cannot be looked at', async () =>
    findImage(await podman.need(), (await configuration.need()).helperImage),
  );
  const policy = new Fact('there is no policy to try it under', async () =>
    choosePolicy(options.policy, await policies.need(), (await configuration.need()).policies),
  );
  const sandbox = new Fact('no sandbox could be tried', async () => {
    const client = await supportedPodman.need();
    const { rootless } = await info.need();
    if (!rootless) throw new NotLookedAt('Podman does not run rootless, and gets no job');
    if ((await helperImage.need()) === undefined) throw new NotLookedAt('the helper image is missing');
    const known = await configuration.need();
    // Whoever names one that is not there hears so.
    const chosen = await (options.policy === undefined ? policy.need() : policy.look());
    const { assigned } = await policies.need();
    stop.throwIfAborted();
    const proof = await rehearseJob(client, chosen, known, { occasion: 'doctor', stop });
    return { ...proof, policy: chosen, assigned: assigned.has(chosen.name) };
  });
  const systemd = existsSync(join(hostPaths.run, 'systemd/system'));
  return {
    options,
    stop,
    systemd,
    configuration,
    podman,
    info,
    supportedPodman,
    account,
    policies,
    helperImage,
    policy,
    sandbox,
  };
}

async function checkPolicies({ policies, seccompProfiles }: Configuration): Promise<CheckResult> {
  const names = await listTrustedFolder(policies);
  if (names === undefined) {
    const hint = 'Name the folder as "policies" in the configuration.';
    throw new BulkheadError('policy-not-found', `there is no folder ${policies}`, hint);
  }
  return checkFolder({
    names,
    read: (name) => readTrustedFile(join(policies, name)),
    requireProfile: (name) => loadSeccompProfile(seccompProfiles, name),
  });
}

/** Of the last assignment, unless one is named: the first that matches wins, so the last is there for most jobs. */
async function choosePolicy(
  wanted: string | undefined,
  { policies }: Pick<CheckResult, 'policies'>,
  folder: string,
): Promise<Policy> {
  const name = wanted ?? (await loadAssignments(folder)).list.at(-1)?.policy;
  const policy = policies.find((one) => one.name === name);
  if (policy !== undefined) return policy;
  throw new BulkheadError(
    'policy-not-found',
    `there is no usable policy "${name}" in ${folder}`,
    `Name another with --policy: ${policies.map((one) => one.name).join(', ') || 'there is none'}.`,
  );
}
