import { type Check, type Finding, ok, warn } from './check.ts';

/** Flags that let more through than sandboxes should, or tell more than they should, and what they do. */
const doubtful: Readonly<Record<string, string>> = {
  'allow-flag-override': 'containers can change flags by annotations',
  'host-uds': 'sandboxes can reach Unix sockets of the host',
  'host-fifo': 'sandboxes can open FIFOs of the host',
  debug: 'it writes down what jobs do',
  strace: 'it writes down what jobs do',
  'log-packets': 'it writes down what jobs send',
};
const harmless = ['false', 'none', ''];

export const runsc: Check = {
  id: 'runsc',
  title: 'runsc',
  about:
    "gVisor's runsc: its version, and the flags and the platform of the sandbox that ran, by that process's own command line. `systrap` is the default platform since 2023; `kvm` needs hardware virtualisation; `ptrace` is slow. What lets more through than a sandbox should is warned of.",
  async look(host) {
    const { runtime } = await host.info.need();
    return judgeRunsc(runtime.version, (await host.sandbox.need()).runtimeFlags);
  },
};

/** @param flags as the sandbox process shows them: `--name=value`; what is not there has runsc's default. */
export function judgeRunsc(version: string, flags: readonly string[]): Finding {
  const values = new Map(
    flags.map((flag) => {
      const [name = '', ...value] = flag.replace(/^--?/, '').split('=');
      return [name, value.length === 0 ? 'true' : value.join('=')];
    }),
  );
  const fix = "Take it out of the script that [engine.runtimes] of the service's containers.conf names.";
  for (const [name, effect] of Object.entries(doubtful)) {
    const value = values.get(name);
    if (value !== undefined && !harmless.includes(value))
      return warn(`${version} runs with --${name}=${value}: ${effect}`, fix);
  }
  const platform = values.get('platform');
  if (platform === 'ptrace')
    return warn(`${version} runs on the platform ptrace, which is slow`, `${fix} (--platform)`);
  return ok(`${version}, platform ${platform ?? "runsc's default"}: ${flags.join(' ')}`);
}
