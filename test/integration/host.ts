import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXAMPLE_IMAGE, TEST_IMAGES } from '../../setup/image-names.ts';
import { hostLayout } from '../../setup/layout.ts';
import { type Configuration, configurationSchema } from '../../src/configuration.ts';
import { RootlessNetns } from '../../src/host/rootless-netns.ts';
import { type JobInput, makeJob } from '../../src/player/job.ts';
import { openPodman, type Podman, statusCode } from '../../src/podman/client.ts';
import { containerPlace } from '../../src/podman/containers.ts';
import { type JobObjects, listJobObjects } from '../../src/podman/job-objects.ts';
import { type Job, parseJob } from '../../src/runner/job.ts';
import { cacheName, interfaceName, objectName, type Role } from '../../src/sandbox/names.ts';
import { Player, type PlayerOptions } from '../player/player.ts';

/** The host that set-up made: a real Podman service with real runsc. */
export const layout = hostLayout();
export const configuration: Configuration = configurationSchema.parse(JSON.parse(readFileSync(layout.config, 'utf8')));
export const podman = openPodman(layout.socket);
/** Podman 5 changed what some requests do. */
export const podmanMajor = Number((await podman.version()).Version.split('.')[0]);
export const images = { ...TEST_IMAGES, python: EXAMPLE_IMAGE };

let lastId = process.pid * 1000;

/** A job of its own for each test, with ids that no other test process uses. */
export function nextJobId(): number {
  return ++lastId;
}

/** One test's job: the player and what a test asks about it. Disposing runs cleanup and fails when anything is left. */
export class TestJob implements AsyncDisposable {
  readonly player: Player;
  readonly key: string;
  /** As the driver reads it. */
  readonly described: Job;

  constructor(input: JobInput = {}, options: Partial<PlayerOptions> = {}) {
    const job = makeJob({ id: nextJobId(), image: images.busybox, ...input });
    this.described = parseJob(job);
    this.key = this.described.key;
    this.player = new Player({
      job,
      timings: { preparationRetryMs: 100, stageRetryMs: 100, gracefulKillMs: 60_000 },
      ...options,
      env: { BULKHEAD_CONFIG: layout.config, ...options.env },
    });
  }

  /** A job whose sandboxes run. */
  static async prepared(input?: JobInput, options?: Partial<PlayerOptions>): Promise<TestJob> {
    const job = new TestJob(input, options);
    const config = await job.player.stage('config');
    assert.equal(config.exitCode, 0, config.stderr.toString());
    const prepare = await job.player.stage('prepare');
    assert.equal(prepare.exitCode, 0, `${prepare.stdout}${prepare.stderr}`);
    return job;
  }

  /** The same job once more, by default with set-up's own configuration: for what runs after a test bent it. */
  again(env: Record<string, string> = {}): TestJob {
    return new TestJob({ id: this.described.id }, { env });
  }

  name(role: Role): string {
    return objectName(this.described, role);
  }

  async objects(): Promise<JobObjects> {
    return listJobObjects(podman, this.key);
  }

  /** Runs plain shell text as a stage. */
  async sh(script: string, stage = 'build_script') {
    return this.player.run(stage, `${script}\n`);
  }

  /** The environment of a driver process that a test starts itself. */
  async surroundings(): Promise<Record<string, string>> {
    const directory = await this.player.directory();
    return {
      PATH: process.env['PATH'] ?? '',
      BULKHEAD_CONFIG: layout.config,
      TMPDIR: directory,
      JOB_RESPONSE_FILE: join(directory, 'response.json'),
      BUILD_EXIT_CODE_FILE: join(directory, 'build_exit_code'),
      BUILD_FAILURE_EXIT_CODE: '1',
      SYSTEM_FAILURE_EXIT_CODE: '2',
    };
  }

  /** Where the bridge of its build sandbox is. @param at the service that runs it. */
  async netns(at: Podman = podman): Promise<RootlessNetns> {
    return RootlessNetns.find(await containerPlace(at, this.name('build')), [interfaceName(this, 'build')]);
  }

  async assertNothingLeft(): Promise<void> {
    assert.deepEqual(await this.objects(), { containers: [], volumes: [], networks: [] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const cleanup = await this.player.stage('cleanup');
    this.player.dispose();
    assert.equal(cleanup.exitCode, 0, cleanup.stderr.toString());
    assert.equal(`${cleanup.stdout}${cleanup.stderr}`, '', 'cleanup is silent on success');
    await this.assertNothingLeft();
    await this.removeCaches();
  }

  /** Cache volumes outlive their jobs by design, but not a test. One that another test uses stays, for that to remove. */
  async removeCaches(): Promise<void> {
    for (const tier of ['all', 'protected', 'unprotected'] as const) {
      try {
        await podman.getVolume(cacheName(this.described, tier)).remove();
      } catch (error) {
        if (![404, 409].includes(statusCode(error) ?? 0)) throw error;
      }
    }
  }
}

/**
 * Kills the Podman service that set-up started; its supervisor brings it back. Rootless Podman is two processes, the second
 * of which is in the user namespace and serves: it may outlive the first.
 */
export function killService(): void {
  const pids = processesWith(`system\0service\0--time=0\0unix://${layout.socket}`);
  assert.ok(pids.length > 0, 'the service runs');
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

/** A configuration file that differs from set-up's in some keys. */
export async function configurationWith(changes: Partial<Configuration>): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-test-'));
  const path = join(folder, 'config.json');
  await writeFile(path, JSON.stringify({ ...configuration, ...changes }), { mode: 0o644 });
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** What a policy file says beside what it extends. */
export type PolicyChange = Readonly<Record<string, unknown>>;

/**
 * A configuration under which every job gets the shipped policy `extends` (`baseline` unless said) with some changes.
 * Beside `env`, for TestJob; `policies` is the folder.
 */
export async function policyWith(
  change: PolicyChange,
  configurationChange: Partial<Configuration> = {},
): Promise<AsyncDisposable & { env: { BULKHEAD_CONFIG: string }; policies: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-policies-'));
  const shipped = join(import.meta.dirname, '../../policies');
  for (const name of ['baseline', 'restricted', 'hermetic']) {
    await copyFile(join(shipped, `${name}.json`), join(folder, `${name}.json`));
  }
  await writeFile(join(folder, 'test.json'), JSON.stringify({ extends: 'baseline', ...change }), { mode: 0o644 });
  await writeFile(join(folder, 'assignments.json'), JSON.stringify({ assignments: [{ match: {}, policy: 'test' }] }), {
    mode: 0o644,
  });
  const bent = await configurationWith({ ...configurationChange, policies: folder });
  return {
    env: { BULKHEAD_CONFIG: bent.path },
    policies: folder,
    [Symbol.asyncDispose]: async () => {
      await bent[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** Pids of all processes of this host whose command line contains `text`. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}
