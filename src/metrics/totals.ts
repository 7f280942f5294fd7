import * as z from 'zod';
import { type Family, type FamilyName, families } from './families.ts';

const count = z.number().nonnegative();
const histogramSchema = z.object({
  /** How many fell between a bound and the one before; the last beyond all bounds. */
  counts: z.array(count),
  sum: count,
});
export type Histogram = z.infer<typeof histogramSchema>;

/** By family, then by label values with spaces between. */
export const totalsSchema = z
  .record(z.string(), z.record(z.string(), z.union([count, histogramSchema])))
  .refine((saved) => Object.entries(saved).every(([name, series]) => fits(name, series)), 'of another version');
export type SavedTotals = z.infer<typeof totalsSchema>;

/** Bounds that changed: what was counted by the old ones says nothing of the new. A family that is no more is let go. */
function fits(name: string, series: Record<string, number | Histogram>): boolean {
  const family = familyNamed(name);
  return Object.values(series).every((value) =>
    family?.type === 'histogram'
      ? typeof value === 'object' && value.counts.length === family.bounds.length + 1
      : family === undefined || typeof value === 'number',
  );
}

function familyNamed(name: string): Family | undefined {
  return Object.hasOwn(families, name) ? families[name as FamilyName] : undefined;
}

/** Of all families, each after its name. */
const known: ReadonlySet<string> = new Set(
  Object.entries(families).flatMap(([name, { rows }]: [string, Family]) => rows.map((row) => keyOf(name, row))),
);

function keyOf(name: string, row: readonly string[]): string {
  return [name, ...row].join(' ');
}

function knownKey(name: FamilyName, row: readonly string[]): string {
  const key = keyOf(name, row);
  if (known.has(key)) return key;
  throw new Error(`there is no series ${key}`);
}

/** What was counted so far. Only ever grows. */
export class Totals {
  readonly #series = new Map<string, number | Histogram>();

  constructor(saved: SavedTotals = {}) {
    for (const [name, series] of Object.entries(saved)) {
      for (const [row, value] of Object.entries(series)) {
        const key = keyOf(name, row === '' ? [] : [row]);
        if (known.has(key)) this.#series.set(key, value);
      }
    }
  }

  /** @throws Error for label values that are not among the family's. */
  add(name: FamilyName, row: readonly string[] = [], amount = 1): void {
    const key = knownKey(name, row);
    this.#series.set(key, this.value(name, row) + amount);
  }

  /** @throws Error for label values that are not among the family's. */
  observe(name: FamilyName, value: number, row: readonly string[] = []): void {
    const { bounds }: Family = families[name];
    const { counts, sum } = this.histogram(name, row) ?? { counts: [...bounds, 0].map(() => 0), sum: 0 };
    const bucket = bounds.findIndex((bound) => value <= bound);
    const at = bucket === -1 ? bounds.length : bucket;
    // Thousandths, since all that is observed is in milliseconds, so that no dust gathers.
    const added = Math.round((sum + value) * 1000) / 1000;
    this.#series.set(knownKey(name, row), { counts: counts.map((n, i) => (i === at ? n + 1 : n)), sum: added });
  }

  value(name: FamilyName, row: readonly string[] = []): number {
    const value = this.#series.get(knownKey(name, row));
    return typeof value === 'number' ? value : 0;
  }

  /** Undefined when nothing was observed. */
  histogram(name: FamilyName, row: readonly string[] = []): Histogram | undefined {
    const value = this.#series.get(knownKey(name, row));
    return typeof value === 'object' ? value : undefined;
  }

  save(): SavedTotals {
    const saved: SavedTotals = {};
    for (const [key, value] of this.#series) {
      const [name = '', ...row] = key.split(' ');
      saved[name] = { ...saved[name], [row.join(' ')]: value };
    }
    return saved;
  }
}
