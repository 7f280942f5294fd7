/**
 * Decides whether some globs (glob.ts) together match every name that another one matches. Globs are small automata; the
 * three of them (glob, others, form of names) are run side by side over all names at once.
 */

type State = string;
/** One of the characters of the globs, the slash, or `other`: any that none of them names. */
type Step = (state: State, character: string) => readonly State[];

interface Automaton {
  readonly start: ReadonlySet<State>;
  readonly step: (states: ReadonlySet<State>, character: string) => ReadonlySet<State>;
  readonly accepts: (states: ReadonlySet<State>) => boolean;
}

const other = '\0';
/** Far more than sensible lists of globs need. */
const mostStates = 20_000;

/**
 * A name that `glob` matches and none of `others` does.
 * @param leastParts how many parts, between slashes, a name has at least: a project's path has two.
 * @returns undefined when there is none; `undecided` when it would take too long to tell.
 */
export function findNameOutside(
  glob: string,
  others: readonly string[],
  leastParts = 1,
): { readonly name: string } | 'undecided' | undefined {
  const own = automaton(glob);
  const against = others.map(automaton);
  const alphabet = [...new Set([...`${glob}/${others.join('')}`].filter((c) => c !== '*' && c !== '?')), other];
  const start = { name: '', parts: 0, inPart: false, own: own.start, against: against.map((one) => one.start) };
  const queue = [start];
  const seen = new Set<string>();
  for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
    const complete = place.inPart && place.parts >= leastParts;
    if (complete && own.accepts(place.own) && !place.against.some((set, i) => against[i]?.accepts(set))) {
      return { name: place.name.replaceAll(other, unused(alphabet)) };
    }
    for (const character of alphabet) {
      if (character === '/' && !place.inPart) continue;
      const next = {
        name: place.name + character,
        parts: place.inPart || character === '/' ? place.parts : Math.min(place.parts + 1, leastParts),
        inPart: character !== '/',
        own: own.step(place.own, character),
        against: place.against.map((set, i) => against[i]?.step(set, character) ?? set),
      };
      if (next.own.size === 0) continue;
      const key = [next.parts, next.inPart, ...[next.own, ...next.against].map((set) => [...set].sort().join())].join(
        ';',
      );
      if (seen.has(key)) continue;
      if (seen.size >= mostStates) return 'undecided';
      seen.add(key);
      queue.push(next);
    }
  }
  return undefined;
}

/** A character to show for "any other". */
function unused(alphabet: readonly string[]): string {
  return [...'xyzabcdefghijklmnopqrstuvw0123456789'].find((character) => !alphabet.includes(character)) ?? '_';
}

function automaton(glob: string): Automaton {
  const { step, end, skip } = compile(glob);
  const close = (states: Iterable<State>): Set<State> => {
    const all = new Set(states);
    // A set may grow while it is walked.
    for (const state of all) for (const next of skip(state)) all.add(next);
    return all;
  };
  return {
    start: close(['0']),
    step: (states, character) => close([...states].flatMap((state) => step(state, character))),
    accepts: (states) => states.has(end),
  };
}

/** State `n` stands before the glob's n-th token, `n+` within the part that its `**` has begun. */
function compile(glob: string): { step: Step; end: State; skip: (state: State) => readonly State[] } {
  // `**/` and a `**` at the end are one token each.
  const tokens = glob.match(/\*\*\/|\*\*|[\s\S]/g) ?? [];
  const after = (state: State) => String(Number.parseInt(state, 10) + 1);
  return {
    end: String(tokens.length),
    skip: (state) => {
      const token = tokens[Number.parseInt(state, 10)];
      if (token === '**') return state.endsWith('+') ? [after(state)] : [];
      return (token === '*' || token === '**/') && !state.endsWith('+') ? [after(state)] : [];
    },
    step: (state, character) => {
      const token = tokens[Number.parseInt(state, 10)];
      const isSlash = character === '/';
      if (token === undefined) return [];
      if (token === '**/' || token === '**') {
        if (!isSlash) return [state.endsWith('+') ? state : `${state}+`];
        return state.endsWith('+') ? [state.slice(0, -1)] : [];
      }
      if (token === '*') return isSlash ? [] : [state];
      return (token === '?' ? !isSlash : token === character) ? [after(state)] : [];
    },
  };
}
