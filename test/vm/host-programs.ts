import { join } from 'node:path';
import { execa } from 'execa';
import { asRoot, type RootStep } from '../../setup/as-root.ts';
import { release } from '../../setup/host.ts';
import { installation } from '../../setup/packages.ts';
import { findProgram } from '../../src/host-setup/find-program.ts';

export const QEMU = 'qemu-system-x86_64';

/** QEMU 7.2, Debian 12's own, crashes Debian 13's kernel. */
const OLDEST_QEMU = 8;

/** Has everything on this host that building and running the machine takes. */
export async function ensureHostPrograms(): Promise<void> {
  const packages = [
    ...(findProgram('mmdebstrap') ? [] : ['mmdebstrap']),
    ...(findProgram('mke2fs') ? [] : ['e2fsprogs']),
    ...(findProgram('ssh') && findProgram('ssh-keygen') ? [] : ['openssh-client']),
  ];
  const steps = packages.length > 0 ? [installation('tests', packages)] : [];
  await asRoot((await qemuVersion()) < OLDEST_QEMU ? [...steps, qemuInstallation()] : steps);
  const version = await qemuVersion();
  if (version < OLDEST_QEMU)
    throw new Error(`${QEMU} is version ${version}; the machine needs ${OLDEST_QEMU} or newer`);
}

/** The major version, 0 when there is none. */
async function qemuVersion(): Promise<number> {
  if (!findProgram(QEMU)) return 0;
  const { stdout } = await execa(QEMU, ['--version']);
  return Number(/version (\d+)/.exec(stdout)?.[1] ?? 0);
}

function qemuInstallation(): RootStep {
  if (release().codename !== 'bookworm') return installation('tests', ['qemu-system-x86']);
  return {
    topic: 'tests',
    text: 'installing qemu-system-x86 from backports (apt, without changing its sources)',
    commands: [[process.execPath, join(import.meta.dirname, 'apt-with-backports.ts'), 'qemu-system-x86']],
  };
}
