import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { podmanUser } from '../../setup/podman-user.ts';
import { runscFlags, runscWrapper, type SandboxNetwork } from '../../src/host-setup/runsc-flags.ts';
import { openPodman, type Podman, waitForPodman } from '../../src/podman/client.ts';
import { layout, processesWith } from './host.ts';

const user = podmanUser(layout);

/** A runsc that set-up built, or undefined. */
export function builtRunsc(): string | undefined {
  return globSync(join(layout.dataDir, 'runsc', '*', 'runsc'))
    .sort()
    .at(-1);
}

/** What Podman is told to run as its runtime. */
export interface Runtime {
  /** Its name in containers.conf. */
  readonly name: string;
  /** A shell script that ends in `exec … "$@"`. */
  readonly script: string;
}

/**
 * A second Podman service of the same user, with its own default runtime and storage. It reads images from set-up's
 * storage, and shares nothing else with set-up's service.
 */
export class SecondService implements AsyncDisposable {
  readonly podman: Podman;
  readonly socket: string;
  readonly #folder: string;

  private constructor(folder: string, socket: string) {
    this.#folder = folder;
    this.socket = socket;
    this.podman = openPodman(socket);
  }

  /** @param around the beginning of a command line, for a service in other namespaces. */
  static async start(runtime: Runtime, around: readonly string[] = []): Promise<SecondService> {
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-service-'));
    chmodSync(folder, 0o755);
    const own = (name: string): string => {
      const path = join(folder, name);
      mkdirSync(path, { mode: 0o700 });
      chownSync(path, user.uid, user.gid);
      return path;
    };
    const [run, storage] = [own('run'), own('storage')];
    const write = (name: string, text: string, mode = 0o644): string => {
      writeFileSync(join(folder, name), text, { mode });
      return join(folder, name);
    };
    const script = write('runtime', runtime.script, 0o755);
    const containersConf = readFileSync(join(layout.dataDir, 'containers.conf'), 'utf8')
      .replace(/^runtime = .*/m, `runtime = "${runtime.name}"`)
      .replace(/^tmp_dir = .*/m, `tmp_dir = "${run}/libpod"`)
      .replace(/^lock_type = .*/m, 'lock_type = "file"')
      .replace(/\[engine\.runtimes\][^[]*/, `[engine.runtimes]\n${runtime.name} = ["${script}"]\n`);
    const storageConf = `[storage]
driver = "overlay"
graphroot = "${storage}"
rootless_storage_path = "${storage}"
runroot = "${run}/containers"
[storage.options]
additionalimagestores = ["${layout.dataDir}/storage"]
`;
    const env = {
      ...user.env,
      XDG_RUNTIME_DIR: run,
      CONTAINERS_CONF: write('containers.conf', containersConf),
      CONTAINERS_STORAGE_CONF: write('storage.conf', storageConf),
    };
    const socket = join(run, 'podman.sock');
    const service = user.commandLine('podman', ['system', 'service', '--time=0', `unix://${socket}`]);
    const [program = '', ...args] = [...around, ...service];
    const child = spawn(program, args, { cwd: '/', env, detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    child.unref();
    const started = new SecondService(folder, socket);
    await waitForPodman(started.podman, 30_000);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { Id } of await this.podman.listContainers({ all: true })) {
      await this.podman.getContainer(Id).remove({ force: true, v: true });
    }
    // Its namespaces are kept by a process of its own; where that is written down depends on Podman's version.
    const pauses = globSync(join(this.#folder, 'run/**/pause.pid')).map((file) => Number(readFileSync(file, 'utf8')));
    // The folder's name is in no other process's command line. Monitors of finished execs would put it back.
    for (const pid of [...processesWith(this.#folder), ...pauses]) kill(pid);
    while (processesWith(this.#folder).length > 0) await sleep(20);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** What set-up makes Podman's runtime of a runsc: it, with the flags that it is always run with. */
export function runscScript(binary: string, network: SandboxNetwork): string {
  return runscWrapper(binary, runscFlags(execFileSync(binary, ['--version'], { encoding: 'utf8' }), network));
}
