import type { GuaranteeResults } from '../../guarantees/results.ts';
import type { Settings } from '../../policy/schema.ts';
import type { ControlId } from './controls.ts';

/** What is known before a hostile script runs. */
export interface Circumstances {
  readonly settings: Settings;
  readonly guarantees: GuaranteeResults;
}

/**
 * A hostile script for the build sandbox. It does no harm where it works: what it writes outside of its sandbox is what was there.
 * That it works where nothing stops it is shown by test/integration/doctor-attack.test.ts.
 */
export interface Attack {
  /** Stable, for programs. */
  readonly id: string;
  /** What is tried. */
  readonly title: string;
  /**
   * Bash, in the helper image; ends with 0 when it works. Variables: $CONFIG and $SOCKET, paths of this host; $HOST_NAME; $HOST,
   * an address and $PORT, a port of this host that answers; $VICTIM_ADDRESS, where another job's sandbox listens on port 9418;
   * $MARK, a word that only other jobs wrote down.
   */
  readonly script: string;
  /** What a script says that was stopped. One that fails without saying so proves nothing. */
  readonly stopped: RegExp;
  readonly controls: readonly ControlId[];
  /** Why the policy, or this host, lets it work; undefined where it must not. */
  readonly open?: (circumstances: Circumstances) => string | undefined;
  /** That the policy leaves nothing there to be attacked, which is as good as stopped. */
  readonly absent?: (variables: Variables) => string | undefined;
  /** Why it cannot be tried here. */
  readonly impossible?: (variables: Variables) => string | undefined;
}

export type Variables = Readonly<
  Record<'CONFIG' | 'SOCKET' | 'HOST_NAME' | 'HOST' | 'PORT' | 'VICTIM_ADDRESS' | 'MARK', string>
>;

/**
 * `held`: it was stopped. `broken`: it worked, and must not. `open`: it worked, as the policy or this host says. `untried`: nobody
 * knows.
 */
export type Outcome = 'held' | 'broken' | 'open' | 'untried';

/** One row of the report: a script that was tried, or a guarantee that was observed. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly outcome: Outcome;
  /** What it said, or why it was not tried. May hold text of the sandbox. */
  readonly evidence: string;
  readonly controls: readonly ControlId[];
}

/** What came of a script. Pure. @param exitCode of the script. */
export function judgeAttack(attack: Attack, exitCode: number, said: string, circumstances: Circumstances): Row {
  const { id, title, controls } = attack;
  const lines = said.split('\n').map((one) => one.trim());
  const last = lines.findLast((one) => one !== '') ?? '';
  const row = (outcome: Outcome, evidence: string): Row => ({ id, title, outcome, evidence, controls });
  if (exitCode === 0) {
    const why = attack.open?.(circumstances);
    return why === undefined ? row('broken', `it worked${last === '' ? '' : `: ${last}`}`) : row('open', why);
  }
  const stopped = lines.find((one) => attack.stopped.test(one));
  if (stopped !== undefined) return row('held', stopped);
  return row('untried', `it failed in a way that proves nothing (exit code ${exitCode}): ${last}`);
}
