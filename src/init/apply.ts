import { existsSync, statSync } from 'node:fs';
import { release as kernel } from 'node:os';
import { execa } from 'execa';
import { findAccount } from '../host-setup/accounts.ts';
import { discardOtherHelpers } from '../host-setup/helper-image.ts';
import { asPodmanUser, type PodmanUser } from '../host-setup/podman-user.ts';
import { runscFlags, runscWrapper, type SandboxNetwork } from '../host-setup/runsc-flags.ts';
import { tryNetworks } from '../host-setup/runsc-network.ts';
import type { Say } from '../host-setup/say.ts';
import { ensureImagePolicy } from '../host-setup/service-files.ts';
import { mergeCustom } from '../runner/config-toml.ts';
import { readConfigToml, replaceConfigToml } from './config-toml-file.ts';
import { configuredHelper, helperToName } from './configured-helper.ts';
import { provideHelperImage } from './helper-image.ts';
import { impossible, withPrograms } from './impossible.ts';
import { type Manifest, sha256 } from './manifest.ts';
import type { OperatorLayout } from './operator-layout.ts';
import { settle, stepsAfter } from './pending.ts';
import { ensureService, ensureTimer, waitForSession } from './podman-service.ts';
import {
  type ActionStep,
  type ConfigurationStep,
  HELPER_IMAGE_PLACE,
  type MergeStep,
  type RuntimeStep,
  type Step,
} from './steps.ts';
import { makeFolders, ownFolder, writeFile } from './written-files.ts';

/** What came of a step: `foreign` is a file of somebody else's that stays as it is. */
export type Outcome = 'done' | 'there' | 'foreign' | 'left';

export interface Surroundings {
  readonly layout: OperatorLayout;
  readonly product: string;
  readonly manifest: Manifest;
  /** Writes the manifest down; called before each change. */
  readonly save: () => void;
  readonly say: Say;
  /** Where the host's paths are found: below a staging folder, or themselves. */
  readonly on: (path: string) => string;
  /** Whether only files are written, for a host that is not this one. */
  readonly staging: boolean;
}

/** Takes the steps one by one, each only where it is missing. Stopped anywhere, it goes on there the next time. */
export class Application {
  readonly #here: Surroundings;
  #helperImage: string | undefined;

  constructor(here: Surroundings) {
    this.#here = here;
  }

  /** @throws BulkheadError `init-impossible`, `runner-config-refused` or `file-unsafe`. */
  async take(step: Step): Promise<Outcome> {
    return await withPrograms(step.what, () => this.#take(step));
  }

  async #take(step: Step): Promise<Outcome> {
    const { manifest, save, on, staging } = this.#here;
    switch (step.kind) {
      case 'folder': {
        const owner = step.owner === 'podman' && !staging ? await this.#user() : undefined;
        const made = makeFolders(manifest, step.path, on(step.path), step.mode, save, owner);
        const owned = owner && ownFolder(manifest, step.path, on(step.path), step.mode, owner);
        return made || owned ? 'done' : 'there';
      }
      case 'file':
        return this.#write(step);
      case 'configuration':
        return await this.#configure(step);
      case 'merge':
        return this.#merge(step);
      case 'runtime':
        return staging ? this.#write({ ...step, mode: 0o755 }) : await this.#runtime(step);
      case 'helper-image':
        return staging ? this.#remember(step.given) : await this.#image(step.given);
      default:
        return staging ? 'left' : await this.#act(step);
    }
  }

  #write(file: { path: string; content: string; mode: number; restarts?: boolean }): Outcome {
    const { manifest, save, on } = this.#here;
    const state = writeFile(manifest, { ...file, pending: stepsAfter(file) }, on(file.path), save);
    return state === 'there' || state === 'foreign' ? state : 'done';
  }

  async #act(step: ActionStep): Promise<Outcome> {
    const { manifest, save, layout } = this.#here;
    switch (step.kind) {
      case 'user':
        return await this.#makeAccount(step);
      case 'subordinate-ids':
        // They go with an account of our own.
        if (manifest.user === undefined)
          manifest.subordinateIds = { user: layout.user, range: String(step.commands[0]?.[2]) };
        break;
      case 'linger':
        manifest.linger = layout.user;
        break;
      case 'run-folder':
        if (existsSync(layout.runDir)) return 'there';
        break;
      case 'service':
        return await settle(manifest, 'service', save, async (changed) =>
          ensureService(layout, await this.#user(), changed),
        );
      case 'timer':
        return await settle(manifest, 'timer', save, async (changed) => ensureTimer(await this.#user(), changed));
    }
    save();
    await run(step);
    return 'done';
  }

  async #makeAccount(step: ActionStep): Promise<Outcome> {
    const { manifest, save, layout } = this.#here;
    manifest.user = layout.user;
    // Those of an account that is gone.
    delete manifest.subordinateIds;
    save();
    try {
      await run(step);
    } catch (error) {
      // One of that name, now or later, is somebody else's, and not for --purge to remove.
      delete manifest.user;
      save();
      throw error;
    }
    return 'done';
  }

  /** Needs the user's session and Podman's configuration. */
  async #runtime(step: RuntimeStep): Promise<Outcome> {
    const { layout, manifest, save, say } = this.#here;
    const user = await this.#user();
    await waitForSession(user);
    await ensureImagePolicy(user);
    const { size, mtimeMs } = statSync(step.binary);
    const key = `${step.binary} ${size} ${mtimeMs} ${kernel()}`;
    let network: SandboxNetwork | undefined = manifest.networks[key];
    if (network === undefined) {
      say('runsc', 'starting a sandbox to see which network works');
      const tried = await tryNetworks(layout, user, step.binary, step.version);
      network = tried.network;
      if (network === undefined)
        throw impossible(`no sandbox starts with ${step.binary}: ${tried.refusals.join('; ')}`);
      if (network === 'host')
        say(
          'runsc',
          `it has no network stack of its own on this kernel, so sandboxes use the kernel's: ${tried.refusals[0]}`,
        );
      manifest.networks = { [key]: network };
      save();
    }
    const content = runscWrapper(step.binary, runscFlags(step.version, network));
    return this.#write({ ...step, content, mode: 0o755, restarts: true });
  }

  /** The host itself gets the image, and its configuration keeps naming it. */
  #remember(given: string | undefined): Outcome {
    const { manifest, save } = this.#here;
    if (given !== undefined) {
      manifest.helperImage = given;
      save();
    }
    return 'left';
  }

  async #image(given: string | undefined): Promise<Outcome> {
    let outcome: Outcome = 'there';
    // Whatever takes time is said.
    const say: Say = (topic, text) => {
      outcome = 'done';
      this.#here.say(topic, text);
    };
    this.#helperImage = await provideHelperImage({ ...this.#here, say }, await this.#user(), given);
    return outcome;
  }

  /** Older helper images go only now, since the file named one of them; and not while one of somebody else's may do so still. */
  async #configure(step: ConfigurationStep): Promise<Outcome> {
    const { layout, manifest, on, say } = this.#here;
    const content = step.content.replace(HELPER_IMAGE_PLACE, this.#helperImage ?? HELPER_IMAGE_PLACE);
    const outcome = this.#write({ ...step, content, mode: 0o644 });
    const provided = String(JSON.parse(content).helperImage);
    const toDo = helperToName(step.path, configuredHelper(on(step.path)), provided);
    if (toDo !== undefined) say('helper-image', toDo);
    // One that the operator gave replaces none that was built.
    else if (this.#helperImage !== undefined && manifest.helperImage === undefined)
      await discardOtherHelpers(layout, await this.#user(), provided);
    return outcome;
  }

  #merge({ path, program, runner, replace }: MergeStep): Outcome {
    const { manifest, save, on, say } = this.#here;
    const text = readConfigToml(on(path));
    const merge = mergeCustom(text, { program, runner, replace });
    for (const note of merge.notes) say('config.toml', note);
    if (merge.edits.length === 0) return 'there';
    manifest.merges.push({ path, before: sha256(text), edits: [...merge.edits] });
    save();
    replaceConfigToml(on(path), text, merge.text);
    return 'done';
  }

  async #user(): Promise<PodmanUser> {
    const { layout } = this.#here;
    const account = await findAccount(layout.user);
    if (account === undefined) throw impossible(`there is no user ${layout.user}`);
    return asPodmanUser(account, layout, true);
  }
}

async function run({ commands }: ActionStep): Promise<void> {
  for (const [program, ...args] of commands) await execa(program, args, { stdin: 'ignore' });
}
