import { type GuaranteeName, guaranteeNames, type Observation } from '../guarantees/guarantee.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

const about: Readonly<Record<GuaranteeName, string>> = {
  rootless: 'An escape from a sandbox is an unprivileged user of this host.',
  gvisor: "gVisor's kernel is between jobs and that of this host.",
  capabilities: 'No process has a capability or a user that the policy does not give.',
  'no-new-privileges': 'No setuid program or file capability helps.',
  seccomp:
    'Processes that are started by exec, as every stage script is, run under the seccomp profile: the probe was started like one, and tried the calls that the profile denies. A runsc from before April 2026 filters only the first process.',
  rootfs: 'Read-only, or writable in an overlay that ends with the sandbox.',
  mounts: 'Nothing of this host is in the sandbox that was not asked for, and nothing read-only can be emptied.',
  'limits.memory': 'See cgroups above.',
  'limits.pids': 'See cgroups above.',
  'limits.cpu': 'See cgroups above.',
  'limits.disk': 'What a job can write is bounded by a file system, not only watched ([limits](limits.md)).',
  'network.isolation': 'A network namespace of its own, on its own networks and no other.',
  'network.egress': "Packets leave only for where the policy lets them: the probe tried this host's addresses.",
  'network.netstack':
    "gVisor's own network stack handles packets, not this host's kernel. Debian's runsc refuses it on newer kernels; set-up then takes the kernel's.",
  image: 'The image that was checked is the one that ran.',
};

/** One for each guarantee, as the sandbox that was tried showed it. */
export const guarantees: readonly Check[] = guaranteeNames.map((name) => ({
  id: `guarantee-${name.replace('.', '-')}`,
  title: `guarantee ${name}`,
  about: about[name],
  async look(host) {
    const { results, policy, assigned } = await host.sandbox.need();
    return judgeGuarantee(results[name], assigned && policy.settings.require.includes(name), policy.name);
  },
}));

/** @param required whether jobs get a policy that lets nothing run without it. */
export function judgeGuarantee(seen: Observation | undefined, required: boolean, policy: string): Finding {
  if (seen === undefined) {
    return required
      ? fail(`policy ${policy} requires it, and nothing observes it here`, 'Take it out of "require" of the policy.')
      : warn('unavailable: nothing observes it here', 'Nothing: no policy that jobs get requires it.');
  }
  if (seen.state === 'proven') return ok(`proven: ${seen.evidence}`);
  if (seen.state === 'violated') return fail(`violated: ${seen.reason}`, seen.remedy);
  const text = `unavailable: ${seen.reason}`;
  return required ? fail(`${text}; policy ${policy} requires it`, seen.remedy) : warn(text, seen.remedy);
}
