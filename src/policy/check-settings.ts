import type { GuaranteeName } from '../guarantees/guarantee.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import { dangerousCapabilities } from './capabilities.ts';
import { checkPatterns } from './check-patterns.ts';
import type { Finding, SettingFinding } from './finding.ts';
import { formatPath, type JsonPath } from './json-path.ts';
import type { Origin } from './merge.ts';
import { type OutwardRole, outwardRoles } from './network-rule.ts';
import type { Policy } from './policy.ts';
import type { Settings } from './schema.ts';
import { formatSize } from './units.ts';

/**
 * Contradictions and dangers in what a policy comes to. Pure.
 * @param lineOf tells the line of a path in one of the policy's files.
 */
export function checkSettings(policy: Policy, lineOf: (file: string, path: JsonPath) => number): Finding[] {
  return [checkPatterns, users, fileSystems, services, network, limits, demands]
    .flatMap((check) => check(policy.settings))
    .map(({ at, ...finding }) => ({ ...locate(policy, at, lineOf), ...finding }));
}

/** Where a setting, or an entry of it, was set. */
export function locate(policy: Policy, at: JsonPath, lineOf: (file: string, path: JsonPath) => number): Origin {
  const origin = policy.origins.get(formatPath(at)) ?? policy.origins.get(formatPath(at.slice(0, -1)));
  const file = origin?.file ?? `${policy.name}.json`;
  return { file, line: lineOf(file, at), path: formatPath(at) };
}

function users({ user, capabilities }: Settings): SettingFinding[] {
  const found: SettingFinding[] = capabilities.flatMap((name, index): SettingFinding[] => {
    const why = dangerousCapabilities[name];
    if (why === undefined) return [];
    const fix = 'Leave it out, unless jobs are known to need it.';
    return [{ level: 'warning', at: ['capabilities', index], message: `${name} is dangerous: it ${why}`, fix }];
  });
  const neverRoot = user.root === 'refused' || !/^(?:image|0+:.*)$/.test(user.run);
  if (neverRoot && capabilities.length > 0) {
    const message = 'have no effect: the job is never root, and only root gets them';
    found.push({ level: 'warning', at: ['capabilities'], message, fix: 'Write [], or let the job be root.' });
  }
  return found;
}

function fileSystems({ rootFilesystem, tmpfs, limits }: Settings): SettingFinding[] {
  const found: SettingFinding[] = [];
  if (rootFilesystem === 'read-only' && (tmpfs['/tmp'] ?? 'none') === 'none') {
    const fix = 'Add "tmpfs": { "/tmp": "1GiB" }.';
    found.push({
      level: 'error',
      at: ['rootFilesystem'],
      message: 'is read-only, and /tmp is no tmpfs: no tool works',
      fix,
    });
  }
  const taken = ['/proc', '/sys', '/dev', ...Object.values(sandboxPaths)];
  for (const [path, bytes] of Object.entries(tmpfs)) {
    if (bytes === 'none') continue;
    const at = ['tmpfs', path];
    const hidden = taken.find((one) => path === one || path.startsWith(`${one}/`) || one.startsWith(`${path}/`));
    if (hidden !== undefined) {
      found.push({
        level: 'error',
        at,
        message: `is in the way of ${hidden}, which every sandbox has`,
        fix: 'Remove it.',
      });
    }
    if (limits.memory !== undefined && bytes > limits.memory) {
      const message = `is larger than limits.memory (${formatSize(limits.memory)}), which its files count towards`;
      found.push({ level: 'warning', at, message, fix: 'Make it smaller.' });
    }
  }
  return found;
}

function services({ services: rules, network: reach, limits: bounds }: Settings): SettingFinding[] {
  if (bounds.services === 0) return [];
  const at = ['limits', 'services'];
  const message = `allows ${bounds.services} services, but`;
  const fix = 'Set limits.services to 0, or the other as well.';
  return [
    ...(rules.allow.length === 0
      ? [{ level: 'error', at, message: `${message} services.allow allows no image`, fix } as const]
      : []),
    ...(reach.services === 'none'
      ? [
          {
            level: 'error',
            at,
            message: `${message} network.services is none, so that nothing reaches them`,
            fix,
          } as const,
        ]
      : []),
    ...(reach.services !== 'none' && reach.build === 'none'
      ? [
          {
            level: 'warning',
            at,
            message: `${message} network.build is none, so that no job reaches them`,
            fix,
          } as const,
        ]
      : []),
  ];
}

function network({ network: reach, limits: bounds }: Settings): SettingFinding[] {
  const found: SettingFinding[] = [];
  const rulesFor = (role: OutwardRole) => reach.allow.filter(({ from }) => from?.includes(role) ?? true);
  const leaves = (role: OutwardRole) => reach[role] === 'egress' || reach[role] === 'listed';
  if (!leaves('helper')) {
    const message = `is ${reach.helper}: no job can clone its repository or upload artifacts`;
    const fix = 'Write listed or egress, unless jobs need neither.';
    found.push({ level: 'warning', at: ['network', 'helper'], message, fix });
  }
  for (const role of outwardRoles.filter((one) => one !== 'services' || bounds.services > 0)) {
    if (reach[role] !== 'listed' || rulesFor(role).length > 0) continue;
    const message = 'is listed, but network.allow lists nothing for it';
    found.push({ level: 'warning', at: ['network', role], message, fix: 'Write job, or list something.' });
  }
  for (const [index, { from = outwardRoles }] of reach.allow.entries()) {
    if (from.some(leaves)) continue;
    const message = `has no effect: network.${from.join(' and network.')} reach nothing outside the job`;
    found.push({
      level: 'warning',
      at: ['network', 'allow', index],
      message,
      fix: 'Write listed or egress, or remove it.',
    });
  }
  return found;
}

function limits({ limits: { memory, serviceMemory } }: Settings): SettingFinding[] {
  if (memory === undefined || serviceMemory === undefined || serviceMemory <= memory) return [];
  const message = `is above limits.memory (${formatSize(memory)}), which ends the job first`;
  return [{ level: 'warning', at: ['limits', 'serviceMemory'], message, fix: 'Make it smaller.' }];
}

/** Demands that nothing can fulfil, on any host. */
function demands({ require, limits: bounds }: Settings): SettingFinding[] {
  const demand = (name: GuaranteeName) => ['require', require.indexOf(name)];
  const found: SettingFinding[] = [];
  const limited = { memory: bounds.memory, pids: bounds.pids, cpu: bounds.cpus, disk: bounds.disk };
  for (const what of ['memory', 'pids', 'cpu', 'disk'] as const) {
    if (limited[what] !== undefined || !require.includes(`limits.${what}`)) continue;
    const message = `requires limits.${what}, but that limit is unlimited: no job would run`;
    found.push({ level: 'error', at: demand(`limits.${what}`), message, fix: 'Set the limit, or do not require it.' });
  }
  for (const name of ['rootless', 'gvisor'] as const) {
    if (require.includes(name)) continue;
    const message = `does not list ${name}: where it cannot be seen, jobs run all the same`;
    found.push({ level: 'warning', at: ['require'], message, fix: `Add "${name}".` });
  }
  return found;
}
