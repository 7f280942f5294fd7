import type { Blame } from '../errors.ts';

/**
 * Who says it where it is genuine: this driver, GitLab Runner, Podman and runsc on the host (whose words reach a job log only
 * inside an error of the driver), or a program of the job.
 */
export type Speaker = 'driver' | 'runner' | 'host' | 'job';

/** Something one sees when a job fails, and what it comes from. All of them together are docs/diagnosis.md. */
export interface Symptom {
  /** Unique; stable, for programs. */
  readonly id: string;
  /** What has happened, in a few words. */
  readonly title: string;
  readonly speaker: Speaker;
  /**
   * What its line says: literal text, in which `…` stands for anything. Letter case does not count. No regular expressions: what is
   * looked for takes linear time, whatever the log holds. Empty where it is not a line that tells.
   */
  readonly signs: readonly string[];
  readonly cause: string;
  readonly blame: Blame;
  /** The next step. */
  readonly next: string;
  /** In docs/. */
  readonly page: string;
  /** Ends no job: it is seen beside whatever else happened. */
  readonly beside?: true;
}

export function spokenBy(speaker: Speaker, symptoms: readonly Omit<Symptom, 'speaker'>[]): readonly Symptom[] {
  return symptoms.map((symptom) => ({ ...symptom, speaker }));
}

/** Whether a line has the sign. */
export type Sign = (lowerCaseLine: string) => boolean;

/** Linear in the length of the line. */
export function readSign(sign: string): Sign {
  const parts = sign.toLowerCase().split(/ ?… ?/);
  return (line) => {
    let from = 0;
    for (const part of parts) {
      const at = line.indexOf(part, from);
      if (at === -1) return false;
      from = at + part.length;
    }
    return true;
  };
}
