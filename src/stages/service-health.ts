import { setTimeout as sleep } from 'node:timers/promises';
import { allDone } from '../all-done.ts';
import { toBulkheadError } from '../errors.ts';
import { type Podman, request } from '../podman/client.ts';
import { execute } from '../podman/exec.ts';
import { tailOfLog } from '../podman/service-log.ts';
import { escapeForeign, logLine, printableLine } from '../runner/job-log.ts';
import type { WriteOutput } from '../runner/output-limit.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import type { JobSpec, SandboxSpec } from '../sandbox/specification.ts';
import type { ServiceDescription } from './services.ts';

/** As the Docker executor has them. */
const logLimit = 64 * 1024;
const portlessPatienceMs = 10_000;
const [yellow, plain] = ['\x1b[0;33m', '\x1b[0;m'];

/** One try to connect; between two we look whether the service still runs. */
const tryMs = 3000;
const lookMs = 500;

/**
 * Waits until each service answers on one of its ports, asked from the helper sandbox, or `timeoutSeconds` are over. Of one
 * that does not, the job log gets a warning with the end of what it said; the job goes on, as with the Docker executor.
 * @param explain more of why a service may have ended, by its place in the job's list.
 * @throws the signal's reason; Podman's errors when the helper sandbox died.
 */
export async function awaitServices(
  podman: Podman,
  { helper, services }: Pick<JobSpec, 'helper' | 'services'>,
  described: readonly ServiceDescription[],
  timeoutSeconds: number,
  explain: (index: number) => Promise<string | undefined>,
  write: WriteOutput,
  stop: AbortSignal,
): Promise<void> {
  if (timeoutSeconds === 0) return;
  await logLine(`Waiting for services to be up and running (timeout ${timeoutSeconds} seconds)...`);
  await allDone(
    services.map(async (spec, index) => {
      const { title = spec.name, ports = [], demand } = described[index] ?? {};
      const problem = await checkHealth(podman, helper, spec, ports, timeoutSeconds, stop);
      if (problem === undefined) return;
      const cause = demand && (await explain(demand.index));
      await warn(podman, spec, title, cause === undefined ? problem : `${problem}: ${cause}`, write);
    }),
  );
}

async function checkHealth(
  podman: Podman,
  helper: SandboxSpec,
  spec: SandboxSpec,
  ports: readonly number[],
  timeoutSeconds: number,
  stop: AbortSignal,
): Promise<string | undefined> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  if (ports.length === 0) {
    // So that there is something in its log.
    const end = Math.min(deadline, Date.now() + portlessPatienceMs);
    while (Date.now() < end && (await look(podman, helper, spec)).running) {
      stop.throwIfAborted();
      await sleep(Math.min(lookMs, end - Date.now()));
    }
    return 'the service has no exposed ports';
  }
  for (;;) {
    stop.throwIfAborted();
    const { running, exitCode, address } = await look(podman, helper, spec);
    if (!running) return `the service ended with exit code ${exitCode}`;
    if (address === undefined) return 'the policy puts the service on no network of the helper sandbox';
    const left = deadline - Date.now();
    if (left <= 0) return 'timeout';
    const time = String(Math.min(left, tryMs));
    const command = [sandboxPaths.probe, 'connect', time, address, ...ports.map(String)];
    if ((await execute(podman, helper.name, command)) === 0) return undefined;
  }
}

async function look(podman: Podman, helper: SandboxSpec, spec: SandboxSpec) {
  const { State, NetworkSettings } = await request('inspect service', podman.getContainer(spec.name).inspect());
  const shared = spec.networks.find((name) => helper.networks.includes(name));
  const address = shared === undefined ? undefined : NetworkSettings.Networks[shared]?.IPAddress;
  return { running: State.Running, exitCode: State.ExitCode, address: address || undefined };
}

async function warn(
  podman: Podman,
  spec: SandboxSpec,
  title: string,
  problem: string,
  write: WriteOutput,
): Promise<void> {
  const log = await tailOfLog(podman, spec.name, logLimit).catch((error) => toBulkheadError(error).message);
  const lines = [
    '',
    `${yellow}*** WARNING:${plain} Service ${escapeForeign(title)} probably didn't start properly.`,
    '',
    'Health check error:',
    escapeForeign(problem),
    '',
    'Service container logs:',
    ...printable(log),
    '',
    `${yellow}*********${plain}`,
    '',
    '',
  ];
  await write('stderr', Buffer.from(lines.join('\n')));
}

/** What a service wrote. */
export function printable(text: string): string[] {
  return text.trim().split(/\r?\n/).map(printableLine);
}
