import { execa } from 'execa';
import { asRoot } from './as-root.ts';
import { isRoot } from './host.ts';

type Command = readonly [string, ...string[]];

/** The commands that install packages from the host's own sources. */
export function aptInstall(packages: readonly string[]): Command[] {
  return [
    ['apt-get', '-qq', 'update'],
    ['apt-get', '-qq', '-y', 'install', '--no-install-recommends', ...packages],
  ];
}

/** Has apt know packages at all: a fresh machine's lists may be empty, and what to install depends on what there is. */
export async function ensurePackageLists(): Promise<void> {
  if (!isRoot || (await candidateVersion('podman')) !== undefined) return;
  await asRoot([{ topic: 'apt', text: 'fetching the package lists', commands: [['apt-get', '-qq', 'update']] }]);
}

/** The version apt would install, as of its last update; undefined when it knows none. */
export async function candidateVersion(name: string): Promise<string | undefined> {
  const { stdout } = await execa('apt-cache', ['policy', name], { env: { LC_ALL: 'C' } });
  const version = /^\s*Candidate: (\S+)$/m.exec(stdout)?.[1];
  return version === '(none)' ? undefined : version;
}
