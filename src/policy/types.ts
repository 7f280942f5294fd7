import * as z from 'zod';
import { durationUnits, parseDuration, parseSize, sizeUnits } from './units.ts';

/*
 * Types of values in policies. What a function checks has a pattern besides, where one says nearly the same: editors see
 * the JSON Schema, which cannot hold functions.
 */

/** Text that a function finds no fault with. */
export const checked = (problem: (text: string) => string | undefined, hints: Hints) =>
  z
    .string()
    .superRefine((text, context) => {
      const why = problem(text);
      if (why !== undefined) context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${why}` });
    })
    .meta(hints);

interface Hints {
  /** A regular expression. */
  readonly pattern: string;
  readonly examples: string[];
  [key: string]: unknown;
}

/** An amount with its unit. */
const amount = (
  what: string,
  parse: (text: string) => number | undefined,
  units: readonly string[],
  examples: string[],
) =>
  z
    .string({ error: `must be a ${what} in quotes, such as "${examples[0]}"` })
    .meta({ pattern: `^[0-9]{1,16}(\\.[0-9]{1,3})?(${units.join('|')})$`, examples })
    .transform((text, context) => {
      const value = parse(text);
      if (value !== undefined && value > 0) return value;
      const right = `write a number and one of ${units.join(', ')}, such as ${examples[0]}`;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text.slice(0, 100))} is not a ${what}; ${right}` });
      return z.NEVER;
    });

/** Bytes. */
export const size = amount('size', parseSize, sizeUnits, ['4GiB', '512MiB']);
/** Seconds. */
export const duration = amount('duration', parseDuration, durationUnits, ['90s', '2h']);

const unlimited = z.literal('unlimited').transform(() => undefined);
export const orUnlimited = <T extends z.ZodType>(type: T) => z.union([unlimited, type]);

/** A list that holds nothing twice. */
export const distinct = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .superRefine((items, context) => {
      const seen = new Set<unknown>();
      for (const [index, one] of items.entries()) {
        if (seen.has(one)) return context.addIssue({ code: 'custom', path: [index], message: 'is there twice' });
        seen.add(one);
      }
    })
    .meta({ uniqueItems: true });

/** A value for both, or a soft one up to a hard one. */
export const softAndHard = <T extends z.ZodType<number>>(value: T) =>
  z
    .union([
      value,
      z.strictObject({ soft: value, hard: value }).superRefine((limits, context) => {
        const { soft, hard } = limits as { soft: number; hard: number };
        if (soft > hard) context.addIssue({ code: 'custom', path: ['soft'], message: 'is above the hard limit' });
      }),
    ])
    .optional();

export const oneOrMore = <T extends z.ZodType>(item: T) => z.union([item, z.array(item).min(1)]);
