import { stat } from 'node:fs/promises';
import { execa } from 'execa';
import { type Check, type Finding, fail, ok, warn } from './check.ts';
import type { Host } from './host/host.ts';

/** File systems and copies are not exact. */
const slackMs = 60_000;

export const clock: Check = {
  id: 'clock',
  title: 'clock',
  about:
    'Deadlines of jobs, certificates of registries and receipts stand on the clock. It is wrong when a file of ours was written in its future; whether it is right cannot be known on the host alone. Where systemd runs, the kernel says whether something keeps it in step (NTP).',
  async look(host) {
    return judgeClock({ nowMs: Date.now(), newest: await newestFile(host), synchronised: await synchronised(host) });
  },
};

export interface ClockFacts {
  readonly nowMs: number;
  /** The file of ours that was written last; undefined when there is none to be seen. */
  readonly newest: { readonly path: string; readonly writtenMs: number } | undefined;
  /** undefined where nobody tells. */
  readonly synchronised: boolean | undefined;
}

async function newestFile({ configuration }: Host): Promise<ClockFacts['newest']> {
  const known = await configuration.need().catch(() => undefined);
  const paths = [process.argv[1] ?? '', ...(known ? [known.stateFolder, `${known.stateFolder}/receipts.jsonl`] : [])];
  const files = await Promise.all(
    paths.map(async (path) => ({ path, writtenMs: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  return files.filter(({ writtenMs }) => writtenMs > 0).sort((a, b) => b.writtenMs - a.writtenMs)[0];
}

async function synchronised({ systemd }: Host): Promise<boolean | undefined> {
  if (!systemd) return undefined;
  const { stdout } = await execa('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
    reject: false,
    timeout: 10_000,
  });
  return stdout === 'yes' ? true : stdout === 'no' ? false : undefined;
}

export function judgeClock({ nowMs, newest, synchronised }: ClockFacts): Finding {
  const time = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  if (newest !== undefined && newest.writtenMs > nowMs + slackMs) {
    return fail(
      `it says ${time(nowMs)}, and ${newest.path} was written ${time(newest.writtenMs)}`,
      'timedatectl set-ntp true, or set it by hand: date --utc --set="…"',
    );
  }
  if (synchronised === false) {
    return warn(`it says ${time(nowMs)}, and nothing keeps it in step`, 'timedatectl set-ntp true');
  }
  const step = synchronised ? 'kept in step' : 'nobody here tells whether it is kept in step';
  return ok(`it says ${time(nowMs)}; ${step}`);
}
