/**
 * Up to where a service's log was shown: the time that Podman puts before its last line, and how many lines of that time there
 * were. Podman tells whole seconds, so the time alone would not do.
 */
export interface LogPosition {
  readonly time: string;
  readonly lines: number;
}

/**
 * What of a log comes after a position. Pure.
 * @param log lines, each with its time before it, in their order. It may begin later than the position: Podman keeps little.
 * @param position undefined: nothing was shown yet.
 */
export function linesAfter(
  log: string,
  position: LogPosition | undefined,
): { readonly lines: readonly string[]; readonly position: LogPosition | undefined } {
  const all = log.split('\n');
  // The last line has an end as well.
  if (all.at(-1) === '') all.pop();
  const lines = all.slice(alreadyShown(all, position));
  if (lines.length === 0) return { lines, position };
  const time = timeOf(lines.at(-1) ?? '');
  const ofThatTime = lines.filter((line) => timeOf(line) === time).length;
  const before = position?.time === time ? position.lines : 0;
  return { lines, position: { time, lines: before + ofThatTime } };
}

/** How many of the lines to leave out. */
function alreadyShown(all: readonly string[], position: LogPosition | undefined): number {
  if (position === undefined) return 0;
  const same = all.flatMap((line, index) => (timeOf(line) === position.time ? [index] : []));
  const last = same[Math.min(position.lines, same.length) - 1];
  if (last !== undefined) return last + 1;
  // Of that time nothing is kept any more, so all that is later is new.
  const shown = Date.parse(position.time);
  const first = all.findIndex((line) => !(Date.parse(timeOf(line)) <= shown));
  return first === -1 ? all.length : first;
}

function timeOf(line: string): string {
  return /^\S*/.exec(line)?.[0] ?? '';
}
