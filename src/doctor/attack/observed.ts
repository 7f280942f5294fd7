import type { GuaranteeName } from '../../guarantees/guarantee.ts';
import type { Circumstances, Row } from './attack.ts';
import type { ControlId } from './controls.ts';

/** What is observed and not attacked: an attack would harm the host where it works, or needs more than the helper image has. */
const observed: readonly (readonly [name: GuaranteeName, title: string, controls: readonly ControlId[]])[] = [
  ['rootless', 'sandboxes belong to an unprivileged user of the host', ['cis:5.31']],
  [
    'capabilities',
    'no process has more capabilities than the policy gives',
    ['cis:5.4', 'cis:5.5', 'pss:Privileged Containers'],
  ],
  ['no-new-privileges', 'no setuid program or file capability helps', ['cis:5.26', 'pss:Privilege Escalation']],
  ['seccomp', 'stages are under the seccomp profile', ['cis:5.22', 'pss:Seccomp']],
  [
    'mounts',
    'nothing of the host is mounted that was not asked for',
    ['cis:5.6', 'cis:5.18', 'pss:HostPath Volumes', 'pss:Volume Types'],
  ],
  [
    'network.isolation',
    'a network namespace of its own',
    ['cis:5.10', 'pss:Host Namespaces', 'slsa:builds that overlap'],
  ],
  ['limits.memory', 'memory is limited', ['cis:5.11']],
  ['limits.cpu', 'processor time is limited', ['cis:5.12']],
  ['limits.pids', 'tasks are limited', ['cis:5.29']],
];

/** What the restricted Pod Security Standard leaves. */
const allowed = 'NET_BIND_SERVICE';

export function observedRows({ guarantees: results, settings }: Circumstances): Row[] {
  const more = settings.capabilities.filter((one) => one !== allowed);
  const rows = observed.map(([name, title, controls]): Row => {
    const row = { id: `guarantee-${name.replace('.', '-')}`, title, controls };
    const seen = results[name];
    if (seen === undefined) return { ...row, outcome: 'untried', evidence: 'nothing observes it here' };
    if (seen.state === 'proven') return { ...row, outcome: 'held', evidence: seen.evidence };
    if (seen.state === 'violated') return { ...row, outcome: 'broken', evidence: seen.reason };
    return { ...row, outcome: 'open', evidence: `this host does not give it: ${seen.reason}` };
  });
  const capabilities = rows.find(({ id }) => id === 'guarantee-capabilities');
  if (capabilities === undefined) return rows;
  const row: Row = {
    ...capabilities,
    id: 'few-capabilities',
    title: `no capability but ${allowed}`,
    controls: ['pss:Capabilities'],
  };
  const given = capabilities.outcome === 'held' && more.length > 0;
  return [...rows, given ? { ...row, outcome: 'open', evidence: `the policy gives jobs ${more.join(', ')}` } : row];
}
