import { existsSync } from 'node:fs';
import { type Check, type Finding, fail, ok, skipped } from './check.ts';

export const linger: Check = {
  id: 'linger',
  title: 'lingering',
  about:
    "systemd ends a user's services with its last login. Podman's user never logs in, so its session has to linger, or Podman is gone after the next boot.",
  async look(host) {
    if (!host.systemd) return skipped('systemd does not run on this host');
    const { name } = await host.account.need();
    return judgeLinger(name, existsSync(`/var/lib/systemd/linger/${name}`));
  },
};

export function judgeLinger(name: string, lingers: boolean): Finding {
  if (lingers) return ok(`systemd keeps the session of ${name}`);
  return fail(`systemd ends the session of ${name}, and Podman with it`, `loginctl enable-linger ${name}`);
}
