import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A limit as cgroup v2 files write it: a number, or `max` for none. */
export type CgroupLimit = number | 'max';

/**
 * A limit of a cgroup, e.g. of its `memory.max`; undefined when the file does not exist: then nobody enabled the
 * controller there.
 */
export async function readLimit(folder: string, file: string): Promise<CgroupLimit | undefined> {
  const text = await readCgroupFile(folder, file);
  return text === undefined ? undefined : parseLimit(text);
}

/** The processors that `cpu.max` (`<quota> <period>`, in microseconds) allows. */
export async function readCpuLimit(folder: string): Promise<CgroupLimit | undefined> {
  const text = await readCgroupFile(folder, 'cpu.max');
  if (text === undefined) return undefined;
  const [quota = '', period = ''] = text.split(' ');
  const limit = parseLimit(quota);
  return limit === 'max' ? limit : limit / parseNumber(period);
}

/** A file of `<name> <number>` lines, such as `memory.events`; empty when there is none. */
export async function readEvents(folder: string, file: string): Promise<ReadonlyMap<string, number>> {
  const lines = ((await readCgroupFile(folder, file)) ?? '').split('\n').map((line) => line.split(' '));
  return new Map(lines.map(([name = '', count]) => [name, Number(count)]));
}

/** @returns the trimmed text; undefined when there is no such file or cgroup (any more). */
export async function readCgroupFile(folder: string, file: string): Promise<string | undefined> {
  try {
    return (await readFile(join(folder, file), 'utf8')).trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // The kernel says ENODEV for a cgroup that was removed while its file was open.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENODEV') return undefined;
    throw error;
  }
}

function parseLimit(text: string): CgroupLimit {
  return text === 'max' ? text : parseNumber(text);
}

function parseNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`not a cgroup limit: ${JSON.stringify(text)}`);
  return Number(text);
}
