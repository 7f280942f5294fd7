import { type Check, type Finding, fail, ok, warn } from './check.ts';
import { isTooOld } from './host/podman-info.ts';

/** Major versions after this one may have changed the API. */
const newestMajor = 6;

export const podmanVersion: Check = {
  id: 'podman-version',
  title: 'Podman',
  about:
    'The service answers on its socket, and is Podman 4.3 to 6. When it does not answer: `systemctl --user status bulkhead-podman.socket` as its user (on a host made by set-up without systemd, `npm run setup` starts it again), and its log ([set-up](setup.md#where-to-look-when-something-is-wrong)).',
  async look(host) {
    await host.podman.look();
    return judgePodman((await host.info.look()).version);
  },
};

export function judgePodman(version: string): Finding {
  if (!/^\d+\.\d+/.test(version)) {
    return fail(
      'what answers on the socket says no version of Podman',
      'Name the socket of a Podman service as "socket".',
    );
  }
  if (isTooOld(version)) {
    return fail(`Podman ${version} is too old`, 'Install Podman 4.3 or newer, as Debian 12 has it.');
  }
  if (Number(version.split('.')[0]) > newestMajor) {
    return warn(`Podman ${version} is newer than what this driver knows`, 'Look for a newer version of Bulkhead.');
  }
  return ok(`Podman ${version}`);
}
