import { setTimeout as sleep } from 'node:timers/promises';
import type { Podman } from '../podman/client.ts';
import { keepLogPositions, readLog, readLogPositions } from '../podman/service-log.ts';
import type { Job } from '../runner/job.ts';
import { variablePrefix } from '../runner/job-environment.ts';
import type { SharedLog } from '../runner/shared-log.ts';
import { objectName } from '../sandbox/names.ts';
import { LogBudget, printableLines } from '../services/log-lines.ts';
import { type LogPosition, linesAfter } from '../services/log-position.ts';
import { namesOfServices } from './services.ts';

/** Milliseconds. */
const lookMs = 1000;
const lineMs = 1000;
/** What the services may cost a stage after its end. */
const lastLookMs = 1000;
const longestName = 64;

/** As GitLab Runner reads a switch. Its own variables of config.toml count, too, so it is for the environment to say. */
export function debugsServices(env: NodeJS.ProcessEnv): boolean {
  return /^(?:1|t|true)$/i.test(env[`${variablePrefix}CI_DEBUG_SERVICES`] ?? '');
}

/**
 * While a stage runs, shows in the job log what the job's services say, if CI_DEBUG_SERVICES asks for it: from where the last
 * stage ended, looking every second. Podman's log is asked for anew each time and never followed: who follows has to read
 * what a flood brings, and Podman keeps the follower until the service ends.
 * @param limit bytes for all services together, null for none; what is beyond is not shown, and not the stage's fault.
 * @param rule who set the limit, as the job's author may read it.
 * @returns a function that takes a last look, keeps what the next stage must know, and takes a second at most. Throws nothing.
 */
export function showServiceLogs(
  podman: Podman,
  env: NodeJS.ProcessEnv,
  job: Job,
  limit: number | null,
  rule: string,
  log: SharedLog,
): () => Promise<void> {
  const services = debugsServices(env) ? startedServices(job) : [];
  if (services.length === 0) return async () => {};
  const courier = objectName(job, 'courier');
  const [ending, end] = [new AbortController(), new AbortController()];
  const budget = new LogBudget(limit, rule);
  const positions = new Map<number, LogPosition>();

  const look = async (patienceMs: number) => {
    await Promise.all(
      services.map(async ({ index, container, name }) => {
        const before = positions.get(index);
        const since = before && Math.floor(Date.parse(before.time) / 1000);
        // Podman may be restarting; the next look will see it.
        const text = await readLog(podman, container, { since, signal: end.signal }).catch(() => undefined);
        if (text === undefined) return;
        const { lines, position } = linesAfter(text.toString('utf8'), before);
        const shown = budget.take(printableLines(name, lines));
        if (shown.length > 0) await log.others(shown, patienceMs);
        if (position !== undefined) positions.set(index, position);
      }),
    );
  };
  const looking = (async () => {
    for (const [index, position] of await readLogPositions(podman, courier)) positions.set(index, position);
    while (!ending.signal.aborted && !budget.isSpent) {
      await look(lineMs);
      await sleep(lookMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  })();
  // That nobody reads the log is for the stage to find, which writes there as well; here it must not be an error of nobody's.
  looking.catch(() => {});
  const finish = async () => {
    await looking;
    await look(0);
    await keepLogPositions(podman, courier, positions);
  };
  return async () => {
    ending.abort();
    const late = sleep(lastLookMs, undefined, { ref: false });
    await Promise.race([finish().catch(() => {}), late]);
    end.abort();
  };
}

/** Those that have a name, and so a container. */
function startedServices(job: Job) {
  return namesOfServices(job).aliases.flatMap((aliases, index) => {
    const own = job.services[index]?.aliases ?? [];
    const name = own.find((alias) => aliases.includes(alias)) ?? aliases[0];
    if (name === undefined) return [];
    return [{ index, container: objectName(job, `service-${index}`), name: name.slice(0, longestName) }];
  });
}
