import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { findProgram } from '../src/host-setup/find-program.ts';
import { hasHelperProgram, hasUserBus } from '../src/host-setup/host-checks.ts';
import { missingPodmanPackages } from '../src/host-setup/needed-packages.ts';
import { aptInstall, candidateVersion, ensurePackageLists } from './apt.ts';
import type { RootStep } from './as-root.ts';
import { isRoot, release, systemdRuns } from './host.ts';
import type { HostLayout } from './layout.ts';
import { SetupError } from './say.ts';

/** Before this, runsc lacks fixes that the guarantees rest on; Debian 12 itself has 20221219, its backports 20240729. */
const OLDEST_RUNSC = '0.0~20240729';

/** The root steps that install what is missing on the host; empty when nothing is. */
export async function missingPackages(layout: HostLayout): Promise<RootStep[]> {
  const runsc = findProgram('runsc', process.env['PATH']) ?? findProgram('runsc');
  if (runsc && (await missing(layout)).length === 0) return [];
  if (!release().debianLike || !findProgram('apt-get')) {
    const names = [...(await missing(layout)), ...(runsc ? [] : ['runsc'])];
    throw new SetupError(`this host has no apt; install these by its own means: ${names.join(', ')}`);
  }
  await ensurePackageLists();
  const packages = await missing(layout);
  const steps = packages.length > 0 ? [installation('Podman', packages)] : [];
  return runsc ? steps : [...steps, await runscInstallation()];
}

/** The step that installs `packages` by apt. */
export function installation(topic: string, packages: readonly string[]): RootStep {
  return { topic, text: `installing ${packages.join(', ')} (apt)`, commands: aptInstall(packages) };
}

async function missing(layout: HostLayout): Promise<string[]> {
  const forPodman = missingPodmanPackages({
    program: (name) => findProgram(name) !== undefined,
    helperProgram: hasHelperProgram,
    userBus: !systemdRuns || hasUserBus(),
    podmanMajor: await podmanMajor(),
  });
  return [
    ...forPodman.map(([apt]) => apt),
    ...(findProgram('git') ? [] : ['git']),
    // Root installs it if no registry can be reached; others are asked for one sudo line, not for two.
    ...(isRoot || existsSync(layout.config) || findProgram('mmdebstrap') ? [] : ['mmdebstrap']),
  ];
}

/** Of the Podman that is there, or would be installed. */
async function podmanMajor(): Promise<number> {
  const podman = findProgram('podman');
  const version = podman
    ? (await execa(podman, ['--version'])).stdout.split(' ').at(-1)
    : ((await candidateVersion('podman')) ?? (release().codename === 'bookworm' ? '4' : '5'));
  return Number.parseInt(version ?? '', 10);
}

async function runscInstallation(): Promise<RootStep> {
  const candidate = await candidateVersion('runsc');
  const plain = installation('runsc', ['runsc']);
  if (candidate === undefined ? release().codename !== 'bookworm' : candidate >= OLDEST_RUNSC) return plain;
  return {
    topic: 'runsc',
    text: 'installing runsc from backports (apt, without changing its sources)',
    commands: [[process.execPath, join(import.meta.dirname, 'install-from-backports.ts'), 'runsc']],
    fallback: {
      ...plain,
      text: `backports cannot be had; ${plain.text}; it is old: expect guarantees to be reported unavailable`,
    },
  };
}
