import type { GuaranteeName, Observation } from '../../guarantees/guarantee.ts';
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
];

/** What the restricted Pod Security Standard leaves. */
const allowed = 'NET_BIND_SERVICE';

/** A guarantee is what the policy gives; what a control asks for may be more than that. */
export function observedRows({ guarantees: results, settings }: Circumstances): Row[] {
  const more = settings.capabilities.filter((one) => one !== allowed);
  const rows = observed.map(([name, title, controls]): Row => ({ ...rowOf(name, results[name]), title, controls }));
  const withPolicy = (
    name: GuaranteeName,
    row: Pick<Row, 'id' | 'title' | 'controls'>,
    open: string | undefined,
  ): Row => {
    const base: Row = { ...rowOf(name, results[name]), ...row };
    return base.outcome === 'held' && open !== undefined ? { ...base, outcome: 'open', evidence: open } : base;
  };
  const { memory, cpus, pids } = settings.limits;
  const limit = (
    name: 'limits.memory' | 'limits.cpu' | 'limits.pids',
    title: string,
    control: ControlId,
    set: unknown,
  ) =>
    withPolicy(
      name,
      { id: `guarantee-${name.replace('.', '-')}`, title, controls: [control] },
      set === undefined ? 'the policy sets no limit' : undefined,
    );
  const isReadOnly = settings.rootFilesystem === 'read-only';
  return [
    ...rows,
    limit('limits.memory', 'memory is limited', 'cis:5.11', memory),
    limit('limits.cpu', 'processor time is limited', 'cis:5.12', cpus),
    limit('limits.pids', 'tasks are limited', 'cis:5.29', pids),
    withPolicy(
      'capabilities',
      { id: 'few-capabilities', title: `no capability but ${allowed}`, controls: ['pss:Capabilities'] },
      more.length === 0 ? undefined : `the policy gives jobs ${more.join(', ')}`,
    ),
    withPolicy(
      'rootfs',
      { id: 'read-only-root', title: 'the root file system is read-only', controls: ['cis:5.13'] },
      isReadOnly ? undefined : 'the policy lets jobs write to one that ends with the job',
    ),
  ];
}

function rowOf(name: GuaranteeName, seen: Observation | undefined): Pick<Row, 'id' | 'outcome' | 'evidence'> {
  const id = `guarantee-${name.replace('.', '-')}`;
  if (seen === undefined) return { id, outcome: 'untried', evidence: 'nothing observes it here' };
  if (seen.state === 'proven') return { id, outcome: 'held', evidence: seen.evidence };
  if (seen.state === 'violated') return { id, outcome: 'broken', evidence: seen.reason };
  return { id, outcome: 'open', evidence: `this host does not give it: ${seen.reason}` };
}
