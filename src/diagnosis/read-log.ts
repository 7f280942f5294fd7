import { concludeLog, type Sighting } from './conclude-log.ts';
import type { Diagnosis } from './diagnosis.ts';
import { type DriverError, DriverErrorReader } from './driver-error.ts';
import { type Piece, readPieces } from './log-lines.ts';
import { causeBehind, match } from './match.ts';
import { endsMaking, isAftermath, isMaking, stageAt } from './stages.ts';
import type { Symptom } from './symptom.ts';
import { symptomOf } from './symptoms/all.ts';
import { verdictOf } from './verdict.ts';

const header = 'Running with gitlab-runner';
/** Below it stands what a service said, and a service is the job's. */
const quotesService = "probably didn't start properly.";

/** Reads a job log to its end. Holds one line and at most one sighting of each symptom, however long the log is. */
export async function diagnoseLog(log: AsyncIterable<Uint8Array>): Promise<Diagnosis> {
  const reading = new LogReading();
  for await (const piece of readPieces(log)) reading.take(piece);
  return reading.end();
}

class LogReading {
  readonly #sightings = new Map<string, Sighting>();
  readonly #errors = new DriverErrorReader();
  /**
   * Whether only GitLab Runner and the driver have written so far: from the beginning of a log that is all there until the
   * first script. It never comes back, so nothing that a job writes gets believed by it.
   */
  #own: boolean | undefined;
  #stage: string | undefined;
  /** The last stage whose failure fails a job. */
  #failing: string | undefined;
  /** One is held back: of the last, nobody but GitLab Runner can be the author. */
  #held: Piece | undefined;

  take(piece: Piece): void {
    this.#own ??= piece.text.startsWith(header);
    if (this.#held !== undefined) this.#read(this.#held);
    this.#held = piece;
  }

  end(): Diagnosis {
    const last = this.#held;
    const verdict = last && verdictOf(last.text);
    if (last !== undefined) {
      if (verdict === undefined) this.#read(last);
      else {
        this.#abandon();
        this.#stage = this.#failing ?? this.#stage;
        this.#see(match(last.text, ['runner']), last, { own: true });
      }
    }
    this.#abandon();
    return concludeLog([...this.#sightings.values()], verdict, this.#failing ?? this.#stage, last);
  }

  #read(piece: Piece): void {
    const { text } = piece;
    const stage = stageAt(text);
    if (stage !== undefined) this.#enter(stage);
    if (endsMaking(text) || text.includes(quotesService)) this.#own = false;

    let error = this.#errors.take(piece);
    if (error === undefined) {
      this.#abandon();
      error = this.#errors.take(piece);
    }
    if (error === 'pending') return;
    if (error === undefined) this.#see(this.#meaning(text), piece);
    else this.#seeError(error);
  }

  #enter(stage: string): void {
    this.#stage = stage;
    if (!isMaking(stage)) this.#own = false;
    if (!isAftermath(stage)) this.#failing = stage;
  }

  #seeError({ code, message }: DriverError): void {
    const symptom = symptomOf(code);
    if (symptom === undefined) return;
    // What a registry says comes from whoever runs it, which may be the job's author.
    const byRegistry = code === 'image-pull-failed';
    this.#see(causeBehind(symptom, message.text), message, { inError: true, ...(byRegistry && { own: false }) });
    this.#see(symptom, message, { inError: true });
  }

  /** A message of which no code followed. */
  #abandon(): void {
    const left = this.#errors.abandoned();
    if (left !== undefined) this.#see(this.#meaning(left.text), left);
  }

  #meaning(text: string) {
    // As Podman's service writes its log.
    const fromHost = text.startsWith('time="');
    return match(text, fromHost ? ['host'] : ['driver', 'runner', 'job', 'host']);
  }

  #see(
    symptom: Symptom | undefined,
    { text, line }: Piece,
    { own = this.#own ?? false, inError = false }: { own?: boolean; inError?: boolean } = {},
  ): void {
    if (symptom === undefined) return;
    const known = this.#sightings.get(symptom.id);
    if (known?.own && !own) return;
    const count = (known?.count ?? 0) + 1;
    this.#sightings.delete(symptom.id);
    this.#sightings.set(symptom.id, { symptom, own, inError, stage: this.#stage, line, excerpt: text, count });
  }
}
