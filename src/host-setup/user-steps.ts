import type { RootStep } from './root-steps.ts';

/** The account that owns Podman: it never logs in. */
export function accountStep(user: string, dataDir: string): RootStep {
  const options = ['--system', '--user-group', '--home-dir', `${dataDir}/home`, '--no-create-home'];
  return {
    topic: 'user',
    text: `making the system user ${user}`,
    commands: [['useradd', ...options, '--shell', '/usr/sbin/nologin', user]],
  };
}

/** @param range `first-last`. */
export function subordinateIdsStep(user: string, range: string): RootStep {
  return {
    topic: 'user',
    text: `giving ${user} the subordinate ids ${range}`,
    commands: [['usermod', '--add-subuids', range, '--add-subgids', range, user]],
  };
}

/** Without lingering, systemd ends a user's services with the last login, and a system user never logs in. */
export function lingerStep(user: string): RootStep {
  return {
    topic: 'user',
    text: `keeping ${user}'s services running without a login`,
    commands: [['loginctl', 'enable-linger', user]],
  };
}
