import { bendBuildSandbox } from '../bent-sandbox.ts';
import { images, TestJob } from '../host.ts';
import type { Attack, Scene } from './attack.ts';
import { type Setting, Settings } from './scene.ts';
import {
  addressOf,
  attackHost,
  markKernelLog,
  type Outcome,
  startOutside,
  startVictim,
  type Variables,
  withVariables,
} from './surroundings.ts';

/** How many jobs are kept for rows to come: many rows share a scene, and a sandbox takes memory. */
const jobsKept = 4;

/** Plays rows of the table, each by stage scripts of real jobs. */
export class Stage implements AsyncDisposable {
  readonly settings = new Settings();
  readonly #made = new AsyncDisposableStack();
  readonly #jobs = new Map<string, TestJob>();
  #variables: Promise<Variables> | undefined;

  async attempt(attack: Attack, direction: 'closed' | 'open'): Promise<Outcome> {
    this.#variables ??= this.#prepareVariables();
    const scene = attack[direction];
    if ('without' in scene) return attackHost(withVariables(await this.#variables, attack.script), scene.without);
    if ('instead' in scene) return this.#play({ ...attack, script: scene.instead }, attack.closed);
    return this.#play(attack, scene);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const job of this.#jobs.values()) await job[Symbol.asyncDispose]();
    await this.#made.disposeAsync();
    await this.settings[Symbol.asyncDispose]();
  }

  async #prepareVariables(): Promise<Variables> {
    const outside = this.#made.use(await startOutside());
    return { ...outside.variables, ...(await markKernelLog()) };
  }

  async #play(attack: Attack, scene: Scene): Promise<Outcome> {
    const { image = images.python, victim: foe } = attack;
    const setting = await this.settings.get(scene);
    if (foe === undefined && scene.bend === undefined) {
      return this.#run(attack, setting, await this.#sharedJob(scene, image), {});
    }
    await using victim = foe && (await startVictim(foe, setting, image));
    await using job = await TestJob.prepared({ image, ...scene.job }, { env: setting.env });
    const { bend } = scene;
    if (bend !== undefined) {
      const nameOfVictim: TestJob['name'] = (role) => victim?.job.name(role) ?? '';
      await bendBuildSandbox(setting.podman, job, setting.env, image, (options) => bend(options, nameOfVictim));
    }
    return await this.#run(attack, setting, job, { VICTIM_ADDRESS: victim?.address ?? '' });
  }

  async #run({ script, stage }: Attack, { podman }: Setting, job: TestJob, variables: Variables): Promise<Outcome> {
    const HELPER_ADDRESS = await addressOf(podman, job, 'helper');
    const all = { ...(await this.#variables), HELPER_ADDRESS, ...variables };
    const { exitCode, stdout, stderr } = await job.sh(withVariables(all, script), stage);
    const said = `${stdout}${stderr}`;
    if (exitCode !== 0 && exitCode !== 1) throw new Error(`the driver failed with ${exitCode}: ${said}`);
    return { worked: exitCode === 0, said };
  }

  async #sharedJob(scene: Scene, image: string): Promise<TestJob> {
    const key = JSON.stringify([scene, image]);
    const known = this.#jobs.get(key);
    this.#jobs.delete(key);
    // The one that was used longest ago comes first.
    const [[oldestKey, oldest] = []] = this.#jobs;
    if (this.#jobs.size >= jobsKept && oldestKey !== undefined) {
      this.#jobs.delete(oldestKey);
      await oldest?.[Symbol.asyncDispose]();
    }
    const { env } = await this.settings.get(scene);
    const job = known ?? (await TestJob.prepared({ image, ...scene.job }, { env }));
    this.#jobs.set(key, job);
    return job;
  }
}
