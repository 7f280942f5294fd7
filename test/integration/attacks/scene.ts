import { globSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Podman } from '../../../src/podman/client.ts';
import { podman as hostPodman, type PolicyChange, policyWith } from '../host.ts';
import { builtRunsc, runscScript, SecondService } from '../second-service.ts';
import type { Runtime, Scene } from './attack.ts';

/** Where jobs of one policy run under one runtime. */
export interface Setting {
  /** Of the driver. */
  readonly env: { readonly BULKHEAD_CONFIG: string };
  readonly podman: Podman;
}

/** Why a row cannot be played on this host, if it cannot. */
export function missing(...scenes: readonly object[]): string | undefined {
  const runtimes = scenes.map((scene) => (scene as Scene).runtime);
  if (runtimes.every((runtime) => runtime === undefined) || builtRunsc() !== undefined) return;
  return 'needs a newer runsc than this host has; "npm run setup -- --runsc=latest" builds it (it takes Go)';
}

/** Makes settings, each once, and takes all of them away at the end. */
export class Settings implements AsyncDisposable {
  readonly #made = new AsyncDisposableStack();
  readonly #known = new Map<string, Promise<Setting>>();
  readonly #services = new Map<Runtime, Promise<SecondService>>();
  #profiles: Promise<string> | undefined;

  async get({ policy = {}, runtime }: Scene): Promise<Setting> {
    const key = JSON.stringify([policy, runtime]);
    const setting = this.#known.get(key) ?? this.#arrange(policy, runtime);
    this.#known.set(key, setting);
    return setting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#made.disposeAsync();
  }

  async #arrange(policy: PolicyChange, runtime: Runtime | undefined): Promise<Setting> {
    this.#profiles ??= this.#makeProfiles();
    const podman = runtime === undefined ? hostPodman : (await this.#service(runtime)).podman;
    const { socketPath: socket } = podman.modem as unknown as { readonly socketPath: string };
    const { env } = this.#made.use(await policyWith(policy, { socket, seccompProfiles: await this.#profiles }));
    return { env, podman };
  }

  async #service(runtime: Runtime): Promise<SecondService> {
    const service = this.#services.get(runtime) ?? this.#startService(runtime);
    this.#services.set(runtime, service);
    return service;
  }

  async #startService(runtime: Runtime): Promise<SecondService> {
    return this.#made.use(await SecondService.start({ name: 'runsc', script: runtimeScript(runtime) }));
  }

  /** A folder with the shipped profiles and one more, `open`. */
  async #makeProfiles(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'bulkhead-profiles-'));
    this.#made.defer(() => rm(folder, { recursive: true }));
    // Podman reads them as its own user.
    await chmod(folder, 0o755);
    for (const name of globSync('*.json', { cwd: shipped })) await copyFile(join(shipped, name), join(folder, name));
    const baseline = JSON.parse(await readFile(join(shipped, 'baseline.json'), 'utf8'));
    await writeFile(join(folder, 'open.json'), JSON.stringify(openProfile(baseline)), { mode: 0o644 });
    return folder;
  }
}

const shipped = join(import.meta.dirname, '../../../seccomp');

function runtimeScript(runtime: Runtime): string {
  const wrapper = runscScript(builtRunsc() ?? '', 'sandbox');
  return runtime === 'permissive' ? wrapper.replace('"$@"', () => '--net-raw --allow-suid "$@"') : wrapper;
}

/** What baseline's profile refuses, and rows need that are not about seccomp, or about what happens without it. */
const opened = ['chroot', 'clone', 'clone3', 'keyctl', 'mknod', 'mknodat', 'mount', 'ptrace', 'sethostname', 'unshare'];

interface Profile {
  readonly syscalls: readonly { readonly names: readonly string[]; readonly action: string }[];
}

/** Whatever baseline's allows under conditions is allowed without. */
function openProfile(baseline: Profile): Profile {
  const allowed = baseline.syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW').flatMap(({ names }) => names);
  return { ...baseline, syscalls: [{ names: [...new Set([...allowed, ...opened])], action: 'SCMP_ACT_ALLOW' }] };
}
