import { BulkheadError } from '../errors.ts';
import { type HostProcess, readProcess } from '../host/process.ts';
import type { Podman } from '../podman/client.ts';
import { type RuntimeFacts, runtimeFacts } from '../podman/containers.ts';

/** What was seen of a sandbox from the host's side. */
export interface GvisorEvidence extends RuntimeFacts {
  readonly process: HostProcess;
}

/**
 * Observes that a running container is a gVisor sandbox of an unprivileged user. Podman's Docker-compatible API takes any
 * runtime name and ignores it, so nothing counts here but what libpod says it ran and what the kernel says is running.
 * @throws BulkheadError `guarantee-violated`.
 */
export async function proveGvisor(podman: Podman, container: string): Promise<GvisorEvidence> {
  const facts = await runtimeFacts(podman, container);
  const process = await readProcess(facts.pid);
  const problem = findProblem(facts, process);
  if (problem !== undefined || process === undefined) {
    throw new BulkheadError(
      'guarantee-violated',
      `the sandbox ${container} is not what was asked for: ${problem}`,
      "Make runsc the default runtime of the service's containers.conf, and run the service as an unprivileged user.",
    );
  }
  return { ...facts, process };
}

/** Pure, so that each way to fail can be tested: what speaks against this being a gVisor sandbox, if anything. */
export function findProblem(facts: RuntimeFacts, process: HostProcess | undefined): string | undefined {
  if (facts.ociRuntime !== 'runsc') return `it runs under the OCI runtime "${facts.ociRuntime}", not runsc`;
  if (process === undefined) return `its process ${facts.pid} does not exist`;
  if (process.commandLine[0] !== 'runsc-sandbox')
    return `its process is "${process.commandLine[0]}", not runsc-sandbox`;
  if (!process.commandLine.includes('boot')) return 'its process is not a booted sandbox';
  if (process.commandLine.at(-1) !== facts.id) return 'its process belongs to another container';
  if (process.uid === 0) return 'its process runs as root of the host';
  return undefined;
}
