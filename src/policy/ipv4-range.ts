/** A range of IPv4 addresses, as numbers; the last is in it. */
export interface IPv4Range {
  readonly first: number;
  readonly last: number;
}

/** First and last address of a range or a single address, as numbers. The text must be one. */
export function rangeOf(text: string): IPv4Range {
  const [address = '', length = '32'] = text.split('/');
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(toNumber(address) / size) * size;
  return { first, last: first + size - 1 };
}

export function overlaps(one: IPv4Range, other: IPv4Range): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** An IPv4 address as a number. The text must be one. */
export function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** A number as an IPv4 address. */
export function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
