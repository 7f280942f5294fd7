const units = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A measured number of bytes for people: `1.4GiB`. */
export function describeBytes(bytes: number): string {
  let value = bytes;
  let name = 'B';
  for (const unit of units) {
    // Not 1024: what would be rounded up to 1024.0 belongs to the next unit.
    if (value < 1023.95) break;
    value /= 1024;
    name = unit;
  }
  return `${value.toFixed(1).replace('.0', '')}${name}`;
}
