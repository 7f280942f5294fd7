import { join } from 'node:path';
import type { CheckResult } from '../policy/check.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

export const policies: Check = {
  id: 'policies',
  title: 'policies',
  about:
    'What `bulkhead policy check` finds: mistakes make jobs fail, or a rule mean nothing. It names every one, with its line ([policies](policies.md)).',
  async look(host) {
    const { policies: folder } = await host.configuration.need();
    return judgePolicies(folder, await host.policies.look());
  },
};

export function judgePolicies(folder: string, { findings, policies }: CheckResult): Finding {
  const errors = findings.filter(({ level }) => level === 'error');
  const warnings = findings.filter(({ level }) => level === 'warning');
  const say = ([first, ...more]: CheckResult['findings']) => {
    const place = `${join(folder, first?.file ?? '')}:${first?.line}${first?.path ? `: ${first.path}` : ''}`;
    const text = `${place}: ${first?.message}`;
    return more.length === 0 ? text : `${text} (and ${more.length} more: bulkhead policy check)`;
  };
  if (errors.length > 0) return fail(say(errors), errors[0]?.fix ?? '');
  if (warnings.length > 0) return warn(say(warnings), warnings[0]?.fix ?? '');
  if (policies.length === 0) return fail(`no policy is in ${folder}`, 'Copy those of Bulkhead there: policies/*.json.');
  return ok(`${policies.map(({ name }) => name).join(', ')}, in ${folder}`);
}
