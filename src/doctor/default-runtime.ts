import { type Check, type Finding, fail, ok } from './check.ts';
import type { PodmanInfo } from './host/podman-info.ts';

export const defaultRuntime: Check = {
  id: 'default-runtime',
  title: 'default runtime',
  about:
    "Podman's Docker-compatible API ignores the runtime that is asked for, and takes the service's default in silence. So that has to be runsc: `runtime = \"runsc\"` below `[engine]` of the service's `containers.conf`.",
  look: async (host) => judgeRuntime(await host.info.need()),
};

export function judgeRuntime({
  defaultRuntime: name,
  runtime,
}: Pick<PodmanInfo, 'defaultRuntime' | 'runtime'>): Finding {
  const fix =
    'Put runtime = "runsc" below [engine] of the containers.conf of the service, and its path below [engine.runtimes]; restart the service.';
  if (name !== 'runsc') return fail(`containers run under "${name}", not runsc`, fix);
  if (runtime.name !== 'runsc') return fail(`the runtime that is called runsc is "${runtime.name}"`, fix);
  return ok(`runsc, ${runtime.path}`);
}
