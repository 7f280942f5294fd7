import { toBulkheadError } from '../errors.ts';
import type { GuaranteeResults } from '../guarantees/prove.ts';
import type { Job } from '../runner/job.ts';
import { version } from '../version.ts';
import type { ReceiptRecord } from './record.ts';

/** What `prepare` does, in its order: what `durations` of its receipts names. */
export const prepareSteps = ['decide', 'images', 'create', 'start', 'prove', 'services'] as const;
export type PrepareStep = (typeof prepareSteps)[number];

type Prepared = Extract<ReceiptRecord, { kind: 'prepared' }>;
type Image = Prepared['images']['build'];

/** Gathers what a receipt says, in the order in which it becomes known: a job that is refused has less of it. */
export class Account {
  policy: Prepared['policy'] | undefined;
  helper: Image | undefined;
  build: (Omit<Image, 'id'> & Partial<Image>) | undefined;
  /** In their order; empty where the job has none. */
  services: readonly Image[] = [];
  runtime: Prepared['runtime'] | undefined;
  guarantees: GuaranteeResults | undefined;
  /** By all pulls, those that failed too. */
  pulledBytes = 0;
  readonly #job: Job;
  readonly #runnerProcess: string;
  readonly #durations: Record<string, number> = {};
  readonly #onStep: ((step: string) => void) | undefined;
  #since = performance.now();

  /** @param onStep is told of each step that ended. */
  constructor(job: Job, runnerProcess: string, onStep?: (step: string) => void) {
    this.#job = job;
    this.#runnerProcess = runnerProcess;
    this.#onStep = onStep;
  }

  /** Notes how long the step took that just ended. */
  lap(step: PrepareStep | 'remove'): void {
    const now = performance.now();
    this.#durations[step] = Math.round(now - this.#since);
    this.#since = now;
    this.#onStep?.(step);
  }

  /** The sandboxes stand, and are proven. */
  prepared(): ReceiptRecord {
    const { policy, helper, build, runtime, guarantees } = this;
    if (!policy || !helper || !build?.id || !runtime || !guarantees) throw new Error('the account has gaps');
    const images = { helper, build: { ...build, id: build.id }, ...this.#services() };
    return { kind: 'prepared', ...this.#common(), ...this.#pulled(), policy, images, runtime, guarantees };
  }

  /** Nothing of the job ran. */
  refused(thrown: unknown): ReceiptRecord {
    const { code, message } = toBulkheadError(thrown);
    const images = {
      ...(this.helper && { helper: this.helper }),
      ...(this.build && { build: this.build }),
      ...this.#services(),
    };
    return {
      kind: 'refused',
      ...this.#common(),
      ...this.#pulled(),
      outcome: { code, message: message.slice(0, 4000) },
      ...(this.policy && { policy: this.policy }),
      ...(Object.keys(images).length > 0 && { images }),
      ...(this.runtime && { runtime: this.runtime }),
      ...(this.guarantees && { guarantees: this.guarantees }),
    };
  }

  /** The job is over, and `removed` of its objects with it. @param failure what cleanup threw. */
  finished(removed: number, failure?: unknown): ReceiptRecord {
    if (failure === undefined) return { kind: 'finished', ...this.#common(), removed };
    const { code, message } = toBulkheadError(failure);
    return { kind: 'finished', ...this.#common(), removed, outcome: { code, message: message.slice(0, 4000) } };
  }

  #services() {
    return this.services.length > 0 ? { services: [...this.services] } : {};
  }

  #pulled() {
    return this.pulledBytes > 0 ? { pulledBytes: this.pulledBytes } : {};
  }

  #common() {
    const { key, id, instance, projectId, projectPath } = this.#job;
    return {
      job: { key, id, instance, projectId, ...(projectPath && { projectPath }) },
      runnerProcess: this.#runnerProcess,
      bulkhead: version,
      durations: { ...this.#durations },
    };
  }
}
