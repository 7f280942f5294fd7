import { readFile } from 'node:fs/promises';
import { type Check, type Finding, fail, ok } from './check.ts';
import type { Account } from './host/account.ts';
import type { PodmanInfo } from './host/podman-info.ts';

/** From root (0) to nobody (65534), each needs a place. */
const needed = 65_536;
/** useradd(8) starts here. */
const first = 100_000;

export const subordinateIds: Check = {
  id: 'subordinate-ids',
  title: 'subordinate ids',
  about:
    "The users of a container are ids that `/etc/subuid` and `/etc/subgid` give to Podman's user: 65,536 of each, which no other user has. With fewer, images with files of other users cannot be unpacked; with shared ones, another user's containers reach the files of jobs.",
  async look(host) {
    const { ids } = await host.info.need();
    const text = (file: string) => readFile(file, 'utf8').catch(() => '');
    const [subuid, subgid] = await Promise.all([text('/etc/subuid'), text('/etc/subgid')]);
    return judgeSubordinateIds(ids, await host.account.need(), subuid, subgid);
  },
};

interface Range {
  readonly user: string;
  readonly start: number;
  readonly count: number;
}

/** Podman's own word counts: ids may come from a directory service as well as from the two files. */
export function judgeSubordinateIds(
  { users, groups }: PodmanInfo['ids'],
  { name, uid }: Pick<Account, 'name' | 'uid'>,
  subuid: string,
  subgid: string,
): Finding {
  const files = { '/etc/subuid': parse(subuid), '/etc/subgid': parse(subgid) };
  if (Math.min(users, groups) < needed) {
    const free = Math.max(
      first,
      ...Object.values(files).flatMap((ranges) => ranges.map((one) => one.start + one.count)),
    );
    const range = `${free}-${free + needed - 1}`;
    return fail(
      `a container has ${users} user ids and ${groups} group ids; it needs ${needed} of each`,
      `usermod --add-subuids ${range} --add-subgids ${range} ${name}; then, as ${name}: podman system migrate`,
    );
  }
  const isOurs = ({ user }: Range) => user === name || user === String(uid);
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

/** Lines of subuid(5). */
function parse(text: string): Range[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length === 3)
    .map(([user = '', start, count]) => ({ user, start: Number(start), count: Number(count) }))
    .filter(({ start, count }) => Number.isSafeInteger(start) && Number.isSafeInteger(count));
}

function overlap(one: Range, other: Range): boolean {
  return one.start < other.start + other.count && other.start < one.start + one.count;
}
