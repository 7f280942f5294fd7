import type { Observation } from './guarantee.ts';
import { notSeen, proven, violated } from './observation.ts';
import type { SandboxFacts } from './sandbox-facts.ts';

/** No process gets by execve(2) what it did not have: no setuid program helps. */
export function observeNoNewPrivileges({ bundle, probe }: Pick<SandboxFacts, 'bundle' | 'probe'>): Observation {
  const remedy = 'Use a Podman that passes no-new-privileges on, and a runsc that applies it.';
  if ('unseen' in bundle) return notSeen(bundle.unseen);
  if (bundle.seen.process.noNewPrivileges !== true) return violated('runsc was not told to apply it', remedy);
  if ('unseen' in probe) return notSeen(probe.unseen);
  if (probe.seen.noNewPrivileges !== 1) return violated('a process in it may gain privileges', remedy);
  return proven('set on processes that are started in it');
}
