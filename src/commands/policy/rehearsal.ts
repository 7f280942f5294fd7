import type { Configuration } from '../../configuration.ts';
import { BulkheadError } from '../../errors.ts';
import { type GuaranteeName, guaranteeNames } from '../../guarantees/guarantee.ts';
import type { GuaranteeResults } from '../../guarantees/results.ts';
import { requireRootless } from '../../guarantees/rootless.ts';
import { openPodman, type Podman, waitForPodman } from '../../podman/client.ts';
import { serviceFacts } from '../../podman/service.ts';
import { type Finding, sortFindings } from '../../policy/finding.ts';
import type { Policy } from '../../policy/policy.ts';
import { rehearseJob } from '../../stages/rehearse.ts';

const podmanPatienceMs = 5000;

/**
 * Gives every policy a job of nobody's on this host, made and looked at by what `prepare` makes jobs with, from the helper
 * image; removes it again. Nothing but our own programs runs in it.
 * @throws BulkheadError when the host can run no job at all, whatever its policy.
 */
export async function rehearse(
  policies: readonly Policy[],
  assigned: ReadonlySet<string>,
  configuration: Configuration,
): Promise<Finding[]> {
  const podman = openPodman(configuration.socket);
  await waitForPodman(podman, podmanPatienceMs);
  requireRootless(await serviceFacts(podman));
  const findings: Finding[] = [];
  // One after the other: a host that has memory for one job of each may not have it for all at once.
  for (const policy of policies) {
    findings.push(...(await rehearseOne(podman, policy, assigned.has(policy.name), configuration)));
  }
  return sortFindings(findings);
}

async function rehearseOne(
  podman: Podman,
  policy: Policy,
  isAssigned: boolean,
  configuration: Configuration,
): Promise<Finding[]> {
  try {
    const { results } = await rehearseJob(podman, policy, configuration, { occasion: 'policy-check' });
    return judge(policy, isAssigned, results);
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    const setting = /seccomp/i.test(error.message) ? 'seccomp' : '';
    const message = `this host can make no sandboxes for policy ${policy.name}: ${error.message}`;
    return [{ ...place(policy, setting), level: 'error', message, fix: error.hint }];
  }
}

/**
 * What speaks against giving jobs this policy here. Pure.
 * @param isAssigned whether any job gets it; what no job meets is only worth knowing.
 */
export function judge(policy: Policy, isAssigned: boolean, results: GuaranteeResults): Finding[] {
  return guaranteeNames.flatMap((name: GuaranteeName): Finding[] => {
    const seen = results[name];
    const index = policy.settings.require.indexOf(name);
    const isRequired = index >= 0;
    const at = place(policy, 'require', isRequired ? `[${index}]` : '');
    const needed = isAssigned ? 'error' : 'info';
    if (seen?.state === 'proven') return [];
    if (seen?.state === 'violated') {
      return [
        { ...at, level: 'error', message: `${name} does not hold on this host: ${seen.reason}`, fix: seen.remedy },
      ];
    }
    if (!isRequired) {
      const message = `this host cannot give ${name}, which is not required: ${seen?.reason}`;
      return seen === undefined || !isAssigned ? [] : [{ ...at, level: 'info', message, fix: seen.remedy }];
    }
    const reason = seen?.reason ?? 'nothing observes it here';
    const message = `requires ${name}, which this host cannot give: ${reason}`;
    return [{ ...at, level: needed, message, fix: seen?.remedy ?? `Take ${name} out of "require".` }];
  });
}

function place(policy: Policy, setting: string, entry = ''): Pick<Finding, 'file' | 'line' | 'path'> {
  const origin = policy.origins.get(setting);
  return { file: origin?.file ?? `${policy.name}.json`, line: origin?.line ?? 1, path: `${setting}${entry}` };
}
