/** Random, but the same again for the same seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const nest = (depth: number): unknown => (depth === 0 ? 1 : depth % 2 ? [nest(depth - 1)] : { a: nest(depth - 1) });

/** Values that parsers and checks have been seen to stumble over. */
const nasty: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    -0,
    0.5,
    1e-320,
    2 ** 53,
    1e308,
    -1e21,
    [],
    {},
    [[]],
    [null],
    '',
    ' ',
    '\0',
    '\ud800',
    '\u202e',
  ],
  ...[
    'NaN',
    'Infinity',
    '-1GiB',
    '4G',
    '1e9GiB',
    '99999999999999TiB',
    '0B',
    'unlimited',
    'none',
    'image',
    '0:0',
    'egress',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'length',
    '../../etc',
    '/',
    '**',
    '*/**',
    '*',
    '?',
    'a**',
    '{a,b}',
    '(a+)+$',
  ],
  ...[
    'docker.io/**',
    'docker.io.evil.org/x',
    '*:*/*@*',
    'debian',
    `x@sha256:${'0'.repeat(64)}`,
    'a/b:c@d@e',
    '/tmp',
    '/..',
    '/proc',
  ],
  ...['a'.repeat(5000), '*'.repeat(300), 'a/'.repeat(300), '*a'.repeat(40), nest(20), nest(60)],
  ...[{ soft: 1, hard: 0 }, { soft: '1GiB' }, Array.from({ length: 300 }, (_, index) => index), { '': { '': {} } }],
];
const keys = [
  '__proto__',
  'constructor',
  'extends',
  'limits',
  'memory',
  'images',
  'allow',
  'a\nb',
  '',
  'x'.repeat(300),
  'toString',
  '$schema',
  'id',
];
const tokens = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\n',
  '//',
  'null',
  '1e999',
  '-',
  '"__proto__":',
  '{"a":'.repeat(50),
  '[['.repeat(3000),
  '\ufeff',
  '\0',
];

type Tree = Record<string | number, unknown>;

/** A changed copy of a JSON value: some of its parts removed, replaced, renamed, or taken from elsewhere. */
export function mutateValue(value: unknown, dice: Dice): unknown {
  let copy = structuredClone(value);
  for (let times = 1 + dice.below(3); times > 0; times--) {
    const places = [...walk(copy)];
    const place = places.length === 0 ? undefined : dice.pick(places);
    if (place === undefined || dice.below(200) === 0) {
      copy = structuredClone(dice.pick(nasty));
      continue;
    }
    const { parent, key } = place;
    const change = dice.below(6);
    if (change === 0) remove(parent, key);
    else if (change === 1) define(parent, dice.pick(keys), structuredClone(dice.pick(nasty)));
    else if (change === 2) {
      const old = parent[key];
      remove(parent, key);
      define(parent, dice.pick(keys), old);
    } else if (change === 3) {
      const other = dice.pick(places);
      define(parent, key, structuredClone(other.parent[other.key]));
    } else define(parent, key, structuredClone(dice.pick(nasty)));
  }
  return copy;
}

/** A changed copy of a text: pieces removed, doubled, or put in. */
export function mutateText(text: string, dice: Dice): string {
  const at = dice.below(text.length + 1);
  const end = Math.min(text.length, at + dice.below(30));
  switch (dice.below(4)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, end) + text.slice(at);
    default:
      return text.slice(0, at) + dice.pick(tokens) + text.slice(at);
  }
}

function* walk(value: unknown): Generator<{ parent: Tree; key: string | number }> {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    yield { parent: value as Tree, key: Array.isArray(value) ? Number(key) : key };
    yield* walk((value as Tree)[key]);
  }
}

function remove(parent: Tree, key: string | number): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}

/** An own property, also when it is called __proto__. */
function define(parent: Tree, key: string | number, value: unknown): void {
  if (Array.isArray(parent)) parent.push(value);
  else Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}
