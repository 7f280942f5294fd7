import { parseDuration } from '../policy/units.ts';

export const ageUnits = 's, min, h, d';

/** Seconds, or undefined when `text` is no age: `90s`, `10min`, `1.5h`, `30d`. Unlike a policy's durations, ages have days. */
export function parseAge(text: string): number | undefined {
  const days = /^([0-9]{1,6})d$/.exec(text)?.[1];
  return days === undefined ? parseDuration(text) : Number(days) * 86_400;
}
