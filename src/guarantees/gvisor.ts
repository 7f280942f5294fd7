import type { Observation } from './guarantee.ts';
import { proven, violated } from './observation.ts';
import type { HostFacts } from './sandbox-facts.ts';

const remedy = "Make runsc the default runtime of the service's containers.conf, and restart the service.";

/**
 * A running container is a gVisor sandbox. Podman's Docker-compatible API takes any runtime name and ignores it, so nothing
 * counts here but what libpod says it ran and what the kernel says is running.
 */
export function observeGvisor({ container, process }: Pick<HostFacts, 'container' | 'process'>): Observation {
  const problem = findProblem(container, process);
  if (problem !== undefined) return violated(problem, remedy);
  return proven(`runsc, sandbox process ${container.pid}`);
}

function findProblem(container: HostFacts['container'], process: HostFacts['process']): string | undefined {
  if (container.ociRuntime !== 'runsc') return `it runs under the OCI runtime "${container.ociRuntime}", not runsc`;
  if (process === undefined) return `its process ${container.pid} does not exist`;
  if (process.commandLine[0] !== 'runsc-sandbox')
    return `its process is "${process.commandLine[0]}", not runsc-sandbox`;
  if (!process.commandLine.includes('boot')) return 'its process is not a booted sandbox';
  if (process.commandLine.at(-1) !== container.id) return 'its process belongs to another container';
  return undefined;
}
