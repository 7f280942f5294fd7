import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { release as kernel } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../src/host-setup/find-program.ts';
import { runscFlags, runscWrapper, type SandboxNetwork } from '../src/host-setup/runsc-flags.ts';
import { tryNetworks } from '../src/host-setup/runsc-network.ts';
import { writeIfChanged } from '../src/host-setup/write-if-changed.ts';
import type { HostLayout } from './layout.ts';
import type { PodmanUser } from './podman-user.ts';
import { latestRunsc } from './runsc-build.ts';
import { SetupError, say } from './say.ts';

/** `path`: the first on the caller's PATH; `distribution`: its package's; `latest`: built from setup/runsc/go.mod. */
export const RUNSC_CHOICES = ['path', 'distribution', 'latest'] as const;
export type RunscChoice = (typeof RUNSC_CHOICES)[number];

interface Memory {
  binary?: string;
  /** Whether a sandbox started with a network stack of its own, by runsc binary and kernel. */
  networks?: Record<string, SandboxNetwork>;
}

/**
 * Chooses runsc, as `choice` says, else as the last time, else the one on the PATH, and puts it where the service's
 * configuration names it. Returns a text that differs when the service must be restarted.
 */
export async function installRunsc(layout: HostLayout, user: PodmanUser, choice?: RunscChoice): Promise<string> {
  const file = join(layout.dataDir, 'runsc', 'choice.json');
  mkdirSync(join(layout.dataDir, 'runsc'), { recursive: true });
  const memory: Memory = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const kept =
    choice === undefined && memory.binary !== undefined && existsSync(memory.binary) ? memory.binary : undefined;
  const binary = kept ?? (await find(layout, choice ?? 'path'));
  const version = await runscVersion(binary, user);
  if (binary !== memory.binary) say('runsc', `${binary}, ${version}`);
  const { size, mtimeMs } = statSync(binary);
  const key = `${binary} ${size} ${mtimeMs} ${kernel()}`;
  const network = memory.networks?.[key] ?? (await chooseNetwork(layout, user, binary, version));
  const remembered: Memory = { binary, networks: { ...memory.networks, [key]: network } };
  writeIfChanged(file, JSON.stringify(remembered), { mode: 0o644 });
  const wrapper = runscWrapper(binary, runscFlags(version, network));
  writeIfChanged(join(layout.dataDir, 'bin', 'runsc'), wrapper, { mode: 0o755 });
  return wrapper;
}

async function find(layout: HostLayout, choice: RunscChoice): Promise<string> {
  if (choice === 'latest') return await latestRunsc(layout);
  const binary = choice === 'path' ? findProgram('runsc', process.env['PATH']) : undefined;
  const found = binary ?? findProgram('runsc', '/usr/bin') ?? findProgram('runsc');
  if (found === undefined) throw new SetupError('no runsc found');
  return found;
}

async function runscVersion(binary: string, user: PodmanUser): Promise<string> {
  const { exitCode, stdout } = await user.exec(binary, ['--version'], { reject: false });
  if (exitCode !== 0)
    throw new SetupError(`runsc: the user ${user.name} cannot run ${binary}; copy it to /usr/local/bin`);
  return String(stdout).split('\n')[0] ?? '';
}

async function chooseNetwork(
  layout: HostLayout,
  user: PodmanUser,
  binary: string,
  version: string,
): Promise<SandboxNetwork> {
  const { network, refusals } = await tryNetworks(layout, user, binary, version);
  if (network === undefined) throw new SetupError(`no sandbox starts with ${binary}:\n  ${refusals.join('\n  ')}`);
  if (network === 'host') {
    say('runsc', `no network stack of its own on this kernel: ${refusals[0]}`);
    say('runsc', "sandboxes use the kernel's, in network namespaces of their own (not needed with --runsc=latest)");
  }
  return network;
}
