import type Docker from 'dockerode';
import { readProcess } from '../src/host/process.ts';
import { runtimeFacts } from '../src/podman/containers.ts';
import type { JobObject } from './objects.ts';

/** What was seen of one container from outside of it. */
export interface Proof {
  readonly container: JobObject;
  /** The runtime that libpod says it really used. The Docker-compatible API would say anything. */
  readonly runtime: string;
  /** The sandbox process on this host; 0 for a container that was never started. */
  readonly pid: number;
  readonly uid: number | undefined;
  readonly commandLine: readonly string[];
  /** Why this is no proof of gVisor; undefined when it is one. */
  readonly problem: string | undefined;
}

/** Looks at a container through libpod's own API and at its process through /proc, trusting nothing the driver said. */
export async function prove(podman: Docker, container: JobObject): Promise<Proof> {
  const { ociRuntime: runtime, pid } = await runtimeFacts(podman, container.id);
  const process = pid > 0 ? await readProcess(pid) : undefined;
  const commandLine = process?.commandLine ?? [];
  const seen = { container, runtime, pid, uid: process?.uid, commandLine };
  return { ...seen, problem: findProblem(seen) };
}

/** What speaks against this being a gVisor sandbox of an unprivileged user, if anything. */
export function findProblem(seen: Omit<Proof, 'problem'>): string | undefined {
  const { container, runtime, pid, uid, commandLine } = seen;
  if (runtime !== 'runsc') return `runs under ${runtime}`;
  // Never started, so there is nothing to confine.
  if (container.state === 'created' && pid === 0) return undefined;
  if (commandLine[0] !== 'runsc-sandbox') return `its process is ${commandLine[0] ?? 'gone'}`;
  if (commandLine.at(-1) !== container.id) return "its process is another container's";
  if (uid === 0) return 'its process is root on this host';
  return undefined;
}

/** The flags of the sandbox process that say how it is confined. */
export function tellingFlags(commandLine: readonly string[]): string[] {
  const telling = /^--(?:network|oci-seccomp|ignore-cgroups|platform|overlay2|rootless)\b/;
  return commandLine.filter((word) => telling.test(word)).sort();
}
