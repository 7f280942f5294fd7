import { BulkheadError } from '../errors.ts';
import { type GuaranteeName, guaranteeNames, type Observation } from './guarantee.ts';

/** One observation for each guarantee that was looked at. */
export type GuaranteeResults = Readonly<Partial<Record<GuaranteeName, Observation>>>;

/**
 * One observation per guarantee: the worst of all sandboxes. Where they say the same, it is said once.
 * @param results by what the sandbox is called.
 */
export function merge(results: readonly (readonly [role: string, GuaranteeResults])[]): GuaranteeResults {
  const merged: Partial<Record<GuaranteeName, Observation>> = {};
  for (const name of guaranteeNames) {
    const seen = results.flatMap(([role, { [name]: one }]) => (one === undefined ? [] : [{ role, one }]));
    const state = (['violated', 'unavailable', 'proven'] as const).find((worst) =>
      seen.some(({ one }) => one.state === worst),
    );
    if (state === undefined) continue;
    const texts = seen
      .filter(({ one }) => one.state === state)
      .map(({ role, one }) => ({ role, text: one.state === 'proven' ? one.evidence : one.reason, one }));
    const same = texts.length === results.length && texts.every(({ text }) => text === texts[0]?.text);
    const text = same ? (texts[0]?.text ?? '') : texts.map(({ role, text }) => `${role} sandbox: ${text}`).join('; ');
    const [remedy] = texts.flatMap(({ one }) => (one.state === 'proven' ? [] : [one.remedy]));
    merged[name] = state === 'proven' ? { state, evidence: text } : { state, reason: text, remedy: remedy ?? '' };
  }
  return merged;
}

/**
 * Lets a job's code run, or not.
 * @param required the guarantees without which the policy lets nothing run.
 * @throws BulkheadError `guarantee-violated` for any that is violated, required or not; `guarantee-unavailable` for a
 *   required one that is not proven.
 */
export function enforce(results: GuaranteeResults, required: readonly GuaranteeName[]): void {
  for (const name of guaranteeNames) {
    const seen = results[name];
    if (seen?.state === 'violated') {
      throw new BulkheadError('guarantee-violated', `the guarantee ${name} does not hold: ${seen.reason}`, seen.remedy);
    }
  }
  const lacking = guaranteeNames.filter((name) => required.includes(name) && results[name]?.state !== 'proven');
  if (lacking.length === 0) return;
  const why = lacking.map((name) => {
    const seen = results[name];
    return seen?.state === 'unavailable'
      ? { reason: `${name} (${seen.reason})`, remedy: seen.remedy }
      : { reason: `${name} (nothing observes it here)`, remedy: `Take ${name} out of "require" of the policy.` };
  });
  throw new BulkheadError(
    'guarantee-unavailable',
    `the policy requires what this host does not give: ${why.map(({ reason }) => reason).join('; ')}`,
    [...new Set(why.map(({ remedy }) => remedy))].join(' '),
  );
}

/** The job log's one line. Why something is unavailable is the operator's concern, and in the receipt. */
export function summary(results: GuaranteeResults): string {
  const names = (state: Observation['state']) =>
    guaranteeNames.filter((name) => results[name]?.state === state).join(', ');
  const proven = `Isolation proven: ${names('proven') || 'nothing'}`;
  const unavailable = names('unavailable');
  return unavailable === '' ? `${proven}.` : `${proven}; not on this runner: ${unavailable}.`;
}
