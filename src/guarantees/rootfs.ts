import { constants } from 'node:os';
import type { Observation } from './guarantee.ts';
import { notSeen, proven, unavailable, violated } from './observation.ts';
import type { ProbeReport } from './probe.ts';
import type { SandboxDemand, SandboxFacts } from './sandbox-facts.ts';

const { EROFS, EACCES } = constants.errno;

/**
 * The root file system is what was demanded: read-only, or ephemeral, which is gVisor's own overlay: what is written goes
 * neither into the image nor into any folder of the host that something else reads, and ends with the sandbox.
 */
export function observeRootfs(facts: SandboxFacts, { spec }: Pick<SandboxDemand, 'spec'>): Observation {
  if ('unseen' in facts.bundle) return notSeen(facts.bundle.unseen);
  const readOnly = facts.bundle.seen.root.readonly === true;
  if (readOnly !== spec.readOnlyRoot) {
    const remedy = "Look for read_only in the service's containers.conf; use a Podman that passes it on.";
    return violated(`runsc was given a ${readOnly ? 'read-only' : 'writable'} root file system`, remedy);
  }
  if ('unseen' in facts.probe) return notSeen(facts.probe.unseen);
  return spec.readOnlyRoot ? observeReadOnly(facts.probe.seen) : observeEphemeral(facts.probe.seen);
}

function observeReadOnly({ rootCreation, mounts, uid }: ProbeReport): Observation {
  const remedy = 'Use a runsc that keeps a read-only root file system read-only.';
  const [, options = ''] = root(mounts) ?? [];
  if (!options.split(',').includes('ro')) return violated('its root is mounted writable', remedy);
  // Whoever may not write in / may be told so first.
  if (rootCreation === EROFS || (rootCreation === EACCES && uid !== 0)) return proven('read-only');
  return violated(
    rootCreation === 0 ? 'a file could be made in /' : `making a file in / ends with errno ${rootCreation}, not EROFS`,
    remedy,
  );
}

function observeEphemeral({ mounts }: ProbeReport): Observation {
  const [, options = '', type = 'nothing'] = root(mounts) ?? [];
  if (options.split(',').includes('ro')) return violated('its root is mounted read-only', 'Use another runsc.');
  if (type === 'overlay') return proven("writable, on gVisor's overlay");
  return unavailable(
    `writes to its root go through to the host's file system (${type}, no overlay of gVisor's)`,
    "Take --overlay2=none out of runsc's flags, or use a newer runsc: --overlay2=root:self is its default.",
  );
}

/** The last mount at / is the one that is seen. */
function root(mounts: ProbeReport['mounts']): ProbeReport['mounts'][number] | undefined {
  return mounts.findLast(([path]) => path === '/');
}
