import { readSign, type Sign, type Speaker, type Symptom } from './symptom.ts';
import { allSymptoms } from './symptoms/all.ts';

const readable: readonly { readonly symptom: Symptom; readonly signs: readonly Sign[] }[] = allSymptoms.map(
  (symptom) => ({ symptom, signs: symptom.signs.map(readSign) }),
);

/** The first symptom of one of these speakers that has its sign in the text. Linear in the length of the text. */
export function match(text: string, speakers: readonly Speaker[]): Symptom | undefined {
  const line = text.toLowerCase();
  for (const speaker of speakers) {
    const found = readable.find(
      ({ symptom, signs }) => symptom.speaker === speaker && signs.some((isThere) => isThere(line)),
    );
    if (found !== undefined) return found.symptom;
  }
  return undefined;
}

/**
 * What lies behind an error of the driver: words of Podman or runsc in its message. Not in one that blames the job, whose message
 * quotes what the job's author wrote.
 */
export function causeBehind(symptom: Symptom, message: string): Symptom | undefined {
  return symptom.blame === 'job' ? undefined : match(message, ['host']);
}
