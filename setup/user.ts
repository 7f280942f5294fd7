import { existsSync, readFileSync } from 'node:fs';
import { execa } from 'execa';
import { freeRange, hasEnough, parseRanges, SUBORDINATE_IDS } from '../src/host-setup/subordinate-ids.ts';
import type { RootStep } from './as-root.ts';
import { isRoot, systemdRuns } from './host.ts';
import type { HostLayout } from './layout.ts';

/** The root steps that make the service's user and give it subordinate ids (and, under systemd, a session of its own). */
export async function missingUser(layout: HostLayout): Promise<RootStep[]> {
  const exists = (await execa('getent', ['passwd', layout.user], { reject: false })).exitCode === 0;
  return [
    ...(isRoot && !exists ? [account(layout)] : []),
    ...(await subordinateIds(layout.user)),
    ...linger(layout.user),
  ];
}

function account({ user, dataDir }: HostLayout): RootStep {
  return {
    topic: 'user',
    text: `making the system user ${user}`,
    commands: [
      [
        'useradd',
        '--system',
        '--user-group',
        '--home-dir',
        `${dataDir}/home`,
        '--no-create-home',
        '--shell',
        '/usr/sbin/nologin',
        user,
      ],
    ],
  };
}

async function subordinateIds(user: string): Promise<RootStep[]> {
  const files = ['/etc/subuid', '/etc/subgid'].map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''));
  if (files.every((file) => hasEnough(file, user))) return [];
  const first = freeRange([...files.flatMap((file) => parseRanges(file)), ...(await accounts())]);
  const range = `${first}-${first + SUBORDINATE_IDS - 1}`;
  return [
    {
      topic: 'user',
      text: `giving ${user} the subordinate ids ${range}`,
      commands: [['usermod', '--add-subuids', range, '--add-subgids', range, user]],
    },
  ];
}

async function accounts(): Promise<{ start: number; count: number }[]> {
  const { stdout } = await execa('getent', ['passwd']);
  return stdout.split('\n').map((line) => ({ start: Number(line.split(':')[2]), count: 1 }));
}

/** Without lingering, systemd ends a user's services with the last login, and a system user never logs in. */
function linger(user: string): RootStep[] {
  if (!systemdRuns || existsSync(`/var/lib/systemd/linger/${user}`)) return [];
  return [
    {
      topic: 'user',
      text: `keeping ${user}'s services running without a login`,
      commands: [['loginctl', 'enable-linger', user]],
    },
  ];
}
