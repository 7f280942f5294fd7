import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { podmanUser } from '../../setup/podman-user.ts';
import type { Configuration } from '../../src/configuration.ts';
import type { JobInput } from '../../src/player/job.ts';
import { statusCode } from '../../src/podman/client.ts';
import { images, layout, type PolicyChange, podman, policyWith, TestJob } from './host.ts';
import { type Account, base64 } from './registry-server.ts';

const user = podmanUser(layout);

/** Any image of a registry on loopback, by any pull policy. */
const everything = {
  images: { allow: ['127.0.0.1:*/**', 'localhost/**'], pullPolicies: ['if-not-present', 'always', 'never'] },
};

/** A runner whose policy allows the registries of tests, and which keeps its own state: who may use which image. */
export interface TestRunner extends AsyncDisposable {
  readonly env: Record<string, string>;
  readonly stateFolder: string;
  /** Plays a whole job; `prepares` is how often GitLab Runner had to try. */
  play(image: JobInput['image'], more?: JobInput): Promise<Played>;
  /** Only the first attempt to prepare it, and cleanup. */
  prepare(image: JobInput['image'], more?: JobInput): Promise<{ exitCode: number | null; log: string }>;
}

type Played = Awaited<ReturnType<TestJob['player']['play']>> & { readonly prepares: number };

export async function testRunner(
  change: Partial<Configuration> = {},
  policy: PolicyChange = everything,
): Promise<TestRunner> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'bulkhead-state-'));
  const set = await policyWith(policy, { stateFolder, ...change });
  return {
    env: set.env,
    stateFolder,
    async play(image, more = {}) {
      await using job = new TestJob({ image, script: ['echo ran'], ...more } as JobInput, { env: set.env });
      const result = await job.player.play();
      return { ...result, prepares: result.stages.filter(({ stage }) => stage === 'prepare').length };
    },
    async prepare(image, more = {}) {
      await using job = new TestJob({ image, ...more } as JobInput, { env: set.env });
      await job.player.stage('config');
      const { exitCode, stdout, stderr } = await job.player.stage('prepare');
      return { exitCode, log: `${stdout}${stderr}` };
    },
    async [Symbol.asyncDispose]() {
      await set[Symbol.asyncDispose]();
      await rm(stateFolder, { recursive: true });
    },
  };
}

/** The variable by which a job logs in to a registry. */
export function authConfig(address: string, { username, password }: Account): Record<string, string> {
  const auth = base64(`${username}:${password}`);
  return { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [address]: { auth } } }) };
}

/** Busybox and a file that no other image has, so many MiB that do not compress. Disposing removes it by this name. */
export async function freshImage(mebibytes: number): Promise<AsyncDisposable & { readonly name: string }> {
  const unique = randomBytes(6).toString('hex');
  const [name, container, file] = [
    `localhost/bulkhead-test/${unique}:1`,
    `fresh-${unique}`,
    join(layout.runDir, unique),
  ];
  await user.exec('dd', ['if=/dev/urandom', `of=${file}`, 'bs=1M', `count=${mebibytes}`], { stderr: 'ignore' });
  await user.exec('podman', ['create', '--name', container, images.busybox, 'true'], { stdout: 'ignore' });
  await user.exec('podman', ['cp', file, `${container}:/fresh`]);
  await user.exec('podman', ['commit', '--quiet', container, name], { stdout: 'ignore' });
  await user.exec('podman', ['rm', container], { stdout: 'ignore' });
  await user.exec('rm', [file]);
  return { name, [Symbol.asyncDispose]: () => forgetImage(name) };
}

/** Takes the name, and what it names when it has no other. */
export async function forgetImage(name: string): Promise<void> {
  try {
    await podman.getImage(name).remove({ force: true });
  } catch (error) {
    if (statusCode(error) !== 404) throw error;
  }
}
