import { constants } from 'node:os';
import type { HostProcess } from '../host/process.ts';
import type { Bundle } from './bundle.ts';
import type { Observation } from './guarantee.ts';
import { notSeen, proven, unavailable, violated } from './observation.ts';
import type { SandboxDemand, SandboxFacts } from './sandbox-facts.ts';
import { deniedCalls, nativeArchitecture, type Rules, rulesOfBundle, rulesOfProfile } from './seccomp-rules.ts';

/**
 * What is started in the sandbox by exec, as every stage script is, runs under the profile that was demanded. Podman hands
 * the profile on, runsc does nothing with it without `--oci-seccomp`, and older ones filter the first process only.
 */
export function observeSeccomp(facts: SandboxFacts, demand: SandboxDemand): Observation {
  const { bundle, process, probe } = facts;
  if ('unseen' in bundle) return notSeen(bundle.unseen);
  const difference = differenceTo(bundle.seen, demand);
  if (difference !== undefined) {
    const remedy = `Compare ${demand.spec.seccompProfile} with seccomp_profile in the service's containers.conf.`;
    return violated(difference, remedy);
  }
  if (!filters(process)) {
    const remedy =
      "Add --oci-seccomp to runsc's flags: let [engine.runtimes] of the service's containers.conf name a script that runs runsc with it.";
    return violated('runsc was started without --oci-seccomp, and ignores every profile', remedy);
  }
  if ('unseen' in probe) return notSeen(probe.unseen);
  if (probe.seen.status.Seccomp !== '2') {
    const remedy = 'Use a runsc released after April 2026 (on a host made by set-up: npm run setup -- --runsc=latest).';
    return unavailable('this runsc filters the first process of a sandbox, but not what exec starts', remedy);
  }
  const denied = deniedCalls(demand.profile, demand.spec.capabilities);
  const carriedOut = denied.find((name) => probe.seen.systemCalls[name] !== constants.errno.EPERM);
  if (carriedOut !== undefined) {
    const remedy = 'Report it to gVisor, with the profile and the version of runsc.';
    return violated(`${carriedOut} is filtered by the profile, but the sandbox's kernel answers it`, remedy);
  }
  return proven(`processes started by exec are filtered, ${denied.length} of ${denied.length} denied calls refused`);
}

/** gVisor shows a flag that is set as `--name=true`. */
function filters(process: HostProcess | undefined): boolean {
  const words = process?.commandLine ?? [];
  return words.includes('--oci-seccomp=true') || words.includes('--oci-seccomp');
}

function differenceTo(bundle: Bundle, { spec, profile }: SandboxDemand): string | undefined {
  const filter = bundle.linux.seccomp;
  if (filter === undefined) return 'runsc was given no seccomp profile';
  if (filter.architectures?.length && !filter.architectures.includes(nativeArchitecture.seccomp)) {
    return `the profile that runsc was given does not cover ${nativeArchitecture.seccomp}`;
  }
  const given = rulesOfBundle(filter);
  const wanted = rulesOfProfile(profile, spec.capabilities);
  if (given.fallback !== wanted.fallback) {
    return `runsc was given another profile: it answers ${given.fallback} by default, not ${wanted.fallback}`;
  }
  const more = surplus(given, wanted);
  if (more !== undefined) return `runsc was given another profile: it has a rule "${more}"`;
  const less = surplus(wanted, given);
  return less === undefined ? undefined : `runsc was given another profile: it has no rule "${less}"`;
}

function surplus(one: Rules, other: Rules): string | undefined {
  return [...one.cases].find((rule) => !other.cases.has(rule));
}
