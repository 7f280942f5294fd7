import { stat } from 'node:fs/promises';
import { type Check, type Finding, fail, ok } from './check.ts';
import type { Account } from './host/account.ts';

const device = '/dev/net/tun';

export const tunDevice: Check = {
  id: 'tun-device',
  title: device,
  about: `Rootless networks (slirp4netns, pasta) need \`${device}\`, which Podman's user must be able to open. It is open to all on stock Debian.`,
  async look(host) {
    const status = await stat(device).catch(() => undefined);
    const facts = status && { ...status, isDevice: status.isCharacterDevice() };
    return judgeTun(facts, await host.account.need());
  },
};

export interface DeviceFacts {
  readonly isDevice: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export function judgeTun(facts: DeviceFacts | undefined, { uid, name, groups }: Account): Finding {
  if (facts === undefined || !facts.isDevice) {
    return fail(`there is no device ${device}`, 'modprobe tun (and put "tun" into /etc/modules-load.d/tun.conf)');
  }
  const bits = facts.uid === uid ? 0o600 : groups.includes(facts.gid) ? 0o060 : 0o006;
  if ((facts.mode & bits) === bits) return ok(`${name} can open it`);
  const mode = (facts.mode & 0o7777).toString(8).padStart(4, '0');
  return fail(`${name} cannot open ${device} (owner ${facts.uid}, mode ${mode})`, `chmod 0666 ${device}`);
}
