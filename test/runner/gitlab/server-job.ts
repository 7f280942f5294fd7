import type { Job } from '../../../src/player/job-response.ts';
import type { Changes } from './changes.ts';
import { TraceStore } from './trace-store.ts';

export interface StoredArtifact {
  readonly filename: string;
  readonly type: string;
  readonly format: string;
  readonly expireIn: string;
  readonly content: Buffer;
}

/** The last PUT of a job, as the runner sent it. */
export interface FinalUpdate {
  readonly state: 'success' | 'failed';
  readonly failureReason: string | undefined;
  readonly exitCode: number | undefined;
}

/** One job as the server sees it. */
export class ServerJob {
  readonly response: Job;
  readonly trace = new TraceStore();
  readonly artifacts: StoredArtifact[] = [];
  /** What GitLab would show: `canceling` asks for a graceful end, `canceled` for one at once. */
  status: 'pending' | 'running' | 'canceling' | 'canceled' | 'success' | 'failed' = 'pending';
  final: FinalUpdate | undefined;
  /** The runner said that the trace may hold secrets. */
  debugTrace = false;
  /** How often the final update is first answered with 202, as GitLab does while it stores the trace. */
  deferrals = 0;
  readonly #changes: Changes;

  constructor(response: Job, changes: Changes) {
    this.response = response;
    this.#changes = changes;
  }

  get id(): number {
    return this.response.id;
  }

  /** The trace as GitLab shows it: without the time and the stream that the runner puts before every piece of a line. */
  get log(): string {
    const stamp = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z [\\da-f]{2}[OE]';
    return this.trace.text
      .replace(new RegExp(`\\n${stamp}\\+`, 'g'), '')
      .replace(new RegExp(`^${stamp}[ +]`, 'gm'), '');
  }

  /** The cancel button. */
  cancel(): void {
    this.status = 'canceling';
  }

  /** The cancel button once more. */
  forceCancel(): void {
    this.status = 'canceled';
  }

  async started(): Promise<void> {
    await this.#until(() => this.status !== 'pending', 'a runner to take');
  }

  /** The trace holds this text. */
  async says(text: string): Promise<void> {
    await this.#until(() => this.log.includes(text) || this.final !== undefined, `"${text}" in the trace of`);
    if (!this.log.includes(text)) throw new Error(`job ${this.id} ended without "${text}":\n${this.log}`);
  }

  /** The runner has sent the final update; its cleanup has run by then. */
  async finished(patienceMs?: number): Promise<FinalUpdate> {
    await this.#until(() => this.final !== undefined, 'the end of', patienceMs);
    if (this.final === undefined) throw new Error('unreachable');
    return this.final;
  }

  async #until(predicate: () => boolean, what: string, patienceMs?: number): Promise<void> {
    const says = () => `${what} job ${this.id}, which is ${this.status}:\n${this.log}`;
    await this.#changes.until(predicate, says, patienceMs);
  }
}
