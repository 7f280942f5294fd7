/** How long the runner waits for what; milliseconds. Tests shorten them, the meaning stays. */
export interface Timings {
  /** Between failed attempts at config + prepare (runner: 3 s). */
  readonly preparationRetryMs: number;
  /** After a failed get_sources; doubles with each attempt, up to five times this (runner: 1 s). */
  readonly stageRetryMs: number;
  /** From SIGTERM to SIGKILL: graceful_kill_timeout (runner: 10 min; this project recommends less than 300 s with the next). */
  readonly gracefulKillMs: number;
  /** From SIGKILL until the process is abandoned: force_kill_timeout (runner: 10 s). */
  readonly forceKillMs: number;
  /** How long a stopped job may take to end before cleanup starts beside it (runner: 5 min). */
  readonly buildFinishMs: number;
  /** The job's timeout; undefined takes it from the job, in seconds there. */
  readonly jobTimeoutMs: number | undefined;
}

export const runnerTimings: Timings = {
  preparationRetryMs: 3000,
  stageRetryMs: 1000,
  gracefulKillMs: 600_000,
  forceKillMs: 10_000,
  buildFinishMs: 300_000,
  jobTimeoutMs: undefined,
};

/** Milliseconds of a Go duration such as `90s` or `1h30m`; undefined for what is none, is 0, or is negative. */
export function parseDuration(text: string): number | undefined {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g))
    total += Number(amount) * (units[unit ?? ''] ?? 0);
  return total === 0 ? undefined : timerMs(total);
}

/** Milliseconds as timers take them: whole, and at most 24.8 days; with more, Node's fire at once. */
export function timerMs(ms: number): number {
  return Math.min(Math.ceil(ms), 2 ** 31 - 1);
}
