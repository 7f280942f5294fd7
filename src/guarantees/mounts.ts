import { sandboxPaths } from '../sandbox/layout.ts';
import type { SandboxSpec } from '../sandbox/specification.ts';
import type { Bundle } from './bundle.ts';
import type { Observation } from './guarantee.ts';
import { explainMount } from './mounts-expected.ts';
import { notSeen, proven, violated } from './observation.ts';
import type { ProbeReport } from './probe.ts';
import type { SandboxDemand, SandboxFacts } from './sandbox-facts.ts';

const remedy =
  "Look for volumes, mounts, devices, hooks_dir and default_mounts_file in the service's containers.conf: they must add nothing.";
/** File systems through which gVisor serves folders of the host. */
const hostFileSystems = new Set(['9p', 'lisafs', 'gofer']);

/**
 * Nothing of the host is in the sandbox but what was demanded, as it was demanded, and the few files that Podman makes for
 * each container.
 */
export function observeMounts(facts: SandboxFacts, { spec }: Pick<SandboxDemand, 'spec'>): Observation {
  if ('unseen' in facts.bundle) return notSeen(facts.bundle.unseen);
  const bundle = facts.bundle.seen;
  const problem = otherWays(bundle) ?? surplus(bundle, facts, spec) ?? missing(bundle, spec);
  if (problem !== undefined) return violated(problem, remedy);
  if ('unseen' in facts.probe) return notSeen(facts.probe.unseen);
  const difference = seenOtherwise(facts.probe.seen, bundle, spec);
  if (difference !== undefined) return violated(difference, remedy);
  // The errno says nothing: runsc before July 2025 answers EROFS and empties the file all the same.
  const [, left] = facts.probe.seen.truncation;
  if (left === 0) {
    const remedy = 'Add --directfs=false to its flags, or use a runsc of July 2025 or later.';
    return violated(`runsc lets it empty files on read-only mounts (${sandboxPaths.canary})`, remedy);
  }
  const asked = spec.mounts.length + Object.keys(spec.tmpfs).length;
  return proven(`${asked} as asked for, ${bundle.mounts.length - asked} of Podman's own, no other`);
}

/** What reaches into a sandbox without being in its list of mounts. */
function otherWays({ annotations, hooks, linux }: Bundle): string | undefined {
  const device = linux.devices[0];
  if (device !== undefined) return `runsc was given the device ${device.path}`;
  const hook = Object.entries(hooks).find(([, list]) => list?.length);
  if (hook !== undefined) return `runsc was given a hook (${hook[0]}), which may mount anything`;
  // They change how runsc mounts, and what.
  const annotation = Object.keys(annotations).find((name) => name.startsWith('dev.gvisor.'));
  return annotation === undefined ? undefined : `runsc was given the annotation ${annotation}`;
}

function surplus({ mounts }: Bundle, facts: SandboxFacts, spec: SandboxSpec): string | undefined {
  const destinations = new Set<string>();
  for (const mount of mounts) {
    if (destinations.has(mount.destination)) return `runsc was given two mounts at ${mount.destination}`;
    destinations.add(mount.destination);
    const problem = explainMount(mount, facts, spec);
    if (problem !== undefined) return `runsc was given a mount at ${mount.destination} ${problem}`;
  }
  return undefined;
}

function missing({ mounts }: Bundle, spec: SandboxSpec): string | undefined {
  const wanted = [...spec.mounts.map(({ target }) => target), ...Object.keys(spec.tmpfs)];
  const absent = wanted.find((target) => !mounts.some(({ destination }) => destination === target));
  return absent === undefined ? undefined : `runsc was given no mount at ${absent}`;
}

function seenOtherwise({ mounts }: ProbeReport, bundle: Bundle, spec: SandboxSpec): string | undefined {
  for (const mount of spec.mounts) {
    if (mount.kind === 'volume' && !mount.readOnly) continue;
    const seen = mounts.findLast(([path]) => path === mount.target);
    if (!seen?.[1].split(',').includes('ro')) return `it can write to ${mount.target}, which should be read-only`;
  }
  const fromHost = mounts.filter(([path, , type]) => path !== '/' && hostFileSystems.has(type)).length;
  const given = bundle.mounts.filter(({ type }) => type === 'bind').length;
  return fromHost > given ? `it has ${fromHost} mounts of the host, of which runsc was given ${given}` : undefined;
}
