import type { Difference } from './compare.ts';

/** What a fact was under one executor: the very text, or a pattern for what depends on the host. */
export type Seen = string | RegExp;

export const themes = ['Images', 'Scripts', 'Sandbox', 'Variables', 'The trace'] as const;
/** One way in which jobs under our driver are not as under the Docker executor. */
export interface KnownDifference {
  readonly theme: (typeof themes)[number];
  /** What differs, as a job's author would look for it. */
  readonly what: string;
  /** How it is there, and here. Markdown, one line. */
  readonly docker: string;
  readonly bulkhead: string;
  /** Why it stays, or what to do. Markdown, one line. */
  readonly why: string;
  /** The facts in which it shows: `<job>/<fact>`, where `{a,b}` stands for both; and what each executor gave. */
  readonly facts: Readonly<Record<string, readonly [docker: Seen, bulkhead: Seen]>>;
  /** Whether it shows with some releases of gVisor only, or by chance; then nothing is missed where it does not. */
  readonly notAlways?: true;
}

/** `{a,b}/c` → `a/c`, `b/c`. */
export function expandBraces(text: string): string[] {
  const [, before = '', inner, after = ''] = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(text) ?? [];
  if (inner === undefined) return [text];
  return inner.split(',').flatMap((each) => expandBraces(`${before}${each}${after}`));
}

/** Every fact that the list names, with what it says of it. */
export function listedFacts(known: readonly KnownDifference[]): Map<string, Listed> {
  const facts = new Map<string, Listed>();
  for (const { what, facts: named, notAlways = false } of known) {
    for (const [names, [docker, bulkhead]] of Object.entries(named)) {
      for (const name of expandBraces(names)) {
        if (facts.has(name)) throw new Error(`${name} is listed twice`);
        facts.set(name, { what, docker, bulkhead, notAlways });
      }
    }
  }
  return facts;
}

export interface Listed {
  readonly what: string;
  readonly docker: Seen;
  readonly bulkhead: Seen;
  readonly notAlways: boolean;
}

/** What the list says of this job and was not seen, and what was seen of it and the list does not say: one text each. */
export function disagreements(known: readonly KnownDifference[], job: string, seen: readonly Difference[]): string[] {
  const listed = listedFacts(known);
  const names = new Set(seen.map(({ fact }) => fact));
  const gone = [...listed].filter(
    ([name, { notAlways }]) => name.startsWith(`${job}/`) && !names.has(name) && !notAlways,
  );
  return [
    ...gone.map(([name, { what }]) => `no difference any more: ${name} ("${what}")`),
    ...seen.flatMap(({ fact, docker, bulkhead }) => {
      const found = listed.get(fact);
      if (found && fits(found.docker, docker) && fits(found.bulkhead, bulkhead)) return [];
      const title = found ? `not as listed ("${found.what}")` : 'a new difference';
      return [`${title}: ${fact}\n  docker:   ${JSON.stringify(docker)}\n  bulkhead: ${JSON.stringify(bulkhead)}`];
    }),
  ];
}

function fits(expected: Seen, actual: string): boolean {
  return typeof expected === 'string' ? expected === actual : expected.test(actual);
}
