import { readFile } from 'node:fs/promises';
import { allAccounts } from '../host-setup/accounts.ts';
import { freeIds, type OwnedRange, overlap, parseRanges, SUBORDINATE_IDS } from '../host-setup/subordinate-ids.ts';
import { type Check, type Finding, fail, ok } from './check.ts';
import type { Account } from './host/account.ts';
import type { PodmanInfo } from './host/podman-info.ts';

export const subordinateIds: Check = {
  id: 'subordinate-ids',
  title: 'subordinate ids',
  about:
    "The users of a container are ids that `/etc/subuid` and `/etc/subgid` give to Podman's user: 65,536 of each, which no other user has. With fewer, images with files of other users cannot be unpacked; with shared ones, another user's containers reach the files of jobs.",
  async look(host) {
    const { ids } = await host.info.need();
    const text = (file: string) => readFile(file, 'utf8').catch(() => '');
    const [subuid, subgid] = await Promise.all([text('/etc/subuid'), text('/etc/subgid')]);
    return judgeSubordinateIds(ids, await host.account.need(), subuid, subgid, await allAccounts());
  },
};

/** Podman's own word counts: ids may come from a directory service as well as from the two files. */
export function judgeSubordinateIds(
  { users, groups }: PodmanInfo['ids'],
  { name, uid }: Pick<Account, 'name' | 'uid'>,
  subuid: string,
  subgid: string,
  passwd: string,
): Finding {
  const isOurs = ({ user }: OwnedRange) => user === name || user === String(uid);
  const files = { '/etc/subuid': parseRanges(subuid), '/etc/subgid': parseRanges(subgid) };
  const moreIds = () => {
    const range = freeIds([subuid, subgid], passwd);
    return `usermod --add-subuids ${range} --add-subgids ${range} ${name}`;
  };
  if (Math.min(users, groups) < SUBORDINATE_IDS) {
    const given = Object.values(files).every((ranges) => sum(ranges.filter(isOurs)) >= SUBORDINATE_IDS);
    const first = given ? '/etc/subuid and /etc/subgid have them. As' : `${moreIds()}; then, as`;
    return fail(
      `a container has ${users} user ids and ${groups} group ids; it needs ${SUBORDINATE_IDS} of each`,
      `${first} ${name}, with the environment of the service: podman system migrate; then restart the service`,
    );
  }
  for (const [file, ranges] of Object.entries(files)) {
    const shared = ranges.find((one) => !isOurs(one) && ranges.some((other) => isOurs(other) && overlap(one, other)));
    if (shared === undefined) continue;
    return fail(
      `in ${file}, ${shared.user} has ids that ${name} has, too: containers of the one reach files of the other`,
      `Give ${shared.user} another range in ${file} (usermod --del-sub… and --add-sub…), and let it run: podman system migrate`,
    );
  }
  return ok(`${users} user ids and ${groups} group ids for each container`);
}

function sum(ranges: readonly OwnedRange[]): number {
  return ranges.reduce((total, { count }) => total + count, 0);
}
