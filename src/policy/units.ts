/** Units as people write them in policies: `4GiB`, `90s`. A bare number is refused, since nobody can see what it counts. */

const sizeFactors = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
} as const;
const durationFactors = { s: 1, min: 60, h: 3600 } as const;

export const sizeUnits = Object.keys(sizeFactors);
export const durationUnits = Object.keys(durationFactors);

/** Bytes, or undefined when `text` is not a size. `1.5GiB` is one; `4G`, `4 gib` and `4096` are not. */
export function parseSize(text: string): number | undefined {
  return parse(text, sizeFactors);
}

/** Seconds, or undefined when `text` is not a duration: `90s`, `1.5h`, `10min`. */
export function parseDuration(text: string): number | undefined {
  return parse(text, durationFactors);
}

/** The largest binary unit that leaves no fraction: 4294967296 → `4GiB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    if (bytes >= sizeFactors[unit] && bytes % sizeFactors[unit] === 0) return `${bytes / sizeFactors[unit]}${unit}`;
  }
  return `${bytes}B`;
}

function parse(text: string, factors: Readonly<Record<string, number>>): number | undefined {
  const match = /^([0-9]{1,16}(?:\.[0-9]{1,3})?)([A-Za-z]{1,3})$/.exec(text);
  const [, amount = '', unit = ''] = match ?? [];
  const factor = Object.hasOwn(factors, unit) ? factors[unit] : undefined;
  if (match === null || factor === undefined) return undefined;
  const result = Math.round(Number(amount) * factor);
  return Number.isSafeInteger(result) ? result : undefined;
}
