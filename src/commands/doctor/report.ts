import type { Check, Finding } from '../../doctor/check.ts';
import type { TriedSandbox } from '../../doctor/host/host.ts';
import { count, line } from '../print.ts';

export interface Examined {
  readonly check: Pick<Check, 'id' | 'title'>;
  readonly finding: Finding;
}

const words = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL', skipped: '-   ' } as const;
const states = ['ok', 'warn', 'fail', 'skipped'] as const;

/** One line; below it the fix, where there is something to mend. */
export function describeCheck({ check, finding }: Examined): string {
  const text = finding.state === 'skipped' ? `not looked at: ${finding.text}` : finding.text;
  const said = line(`${words[finding.state]}  ${check.title}: ${text}`);
  return 'fix' in finding ? `${said}\n${line(`      fix: ${finding.fix}`)}` : said;
}

export function summarise(examined: readonly Examined[]): string {
  const of = (state: Finding['state']) => examined.filter(({ finding }) => finding.state === state).length;
  return `${count(examined.length, 'check')}: ${of('ok')} ok, ${count(of('warn'), 'warning')}, ${of('fail')} failed, ${of('skipped')} not looked at`;
}

/** The stable shape that docs/doctor.md describes. */
export function doctorJson(examined: readonly Examined[], tried: TriedSandbox | undefined): object {
  const counts = states.map((state) => [state, examined.filter(({ finding }) => finding.state === state).length]);
  return {
    schemaVersion: 1,
    passed: examined.every(({ finding }) => finding.state !== 'fail'),
    counts: Object.fromEntries(counts),
    checks: examined.map(({ check: { id, title }, finding }) => ({ id, title, ...finding })),
    guarantees: tried === undefined ? null : { policy: tried.policy.name, results: tried.results },
  };
}
