/** How many ids a rootless container needs: everything from root (0) to nobody (65534) must have a place. */
export const SUBORDINATE_IDS = 65_536;

export interface Range {
  readonly start: number;
  readonly count: number;
}

/** What useradd(8) gives out by default starts here; lower numbers belong to real users. */
const FIRST = 100_000;
/** Ids are 32 bits wide, and the highest means "no user". */
const LAST = 2 ** 32 - 2;

/** A line of subuid(5) or subgid(5). */
export interface OwnedRange extends Range {
  /** Name or id. */
  readonly user: string;
}

/** The ranges a subuid(5) or subgid(5) file holds, for `user` (name or id) or for everybody. */
export function parseRanges(file: string, user?: string): OwnedRange[] {
  return file
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length === 3 && (user === undefined || fields[0] === user))
    .map(([owner = '', start, count]) => ({ user: owner, start: Number(start), count: Number(count) }))
    .filter(({ start, count }) => Number.isSafeInteger(start) && Number.isSafeInteger(count));
}

/** Whether one range of the user is large enough. */
export function hasEnough(file: string, user: string): boolean {
  return parseRanges(file, user).some(({ count }) => count >= SUBORDINATE_IDS);
}

/**
 * The first id of a free range, the same one for users and groups, that overlaps no range and no account in `taken`.
 * Overlapping ranges would let one user's containers act on another's files.
 */
export function freeRange(taken: readonly Range[]): number {
  let start = FIRST;
  for (const range of [...taken].sort((a, b) => a.start - b.start)) {
    if (overlap(range, { start, count: SUBORDINATE_IDS })) start = range.start + range.count;
  }
  if (start + SUBORDINATE_IDS > LAST) throw new RangeError('no free range of subordinate ids is left');
  return start;
}

/**
 * A range `first-last` that overlaps none of these files and no account. Pure.
 * @param files texts of subuid(5) and subgid(5).
 * @param passwd lines of passwd(5).
 */
export function freeIds(files: readonly string[], passwd: string): string {
  const accounts = passwd
    .split('\n')
    .map((line) => ({ start: Number(line.split(':')[2]), count: 1 }))
    .filter(({ start }) => Number.isSafeInteger(start));
  const first = freeRange([...files.flatMap((file) => parseRanges(file)), ...accounts]);
  return `${first}-${first + SUBORDINATE_IDS - 1}`;
}

export function overlap(one: Range, other: Range): boolean {
  return one.start < other.start + other.count && other.start < one.start + one.count;
}
