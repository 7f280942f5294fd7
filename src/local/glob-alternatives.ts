const longestGlob = 1024;
const mostAlternatives = 64;

/** An escaped character, a class, or any other character; a `[` alone begins a class that has no end, or nothing in it. */
const piece = /\\.|\[(?![!^]?\])(?:\\[^/]|[^\]\\/])+\]|./gsu;

/** What a glob consists of, braces and commas among it. An escaped slash is a slash. */
export function piecesOf(glob: string): string[] {
  return (glob.match(piece) ?? []).map((text) => (text === '\\/' ? '/' : text));
}

/**
 * The globs without `{a,b}` that a glob stands for.
 * @throws Error when it is no glob, too long, or stands for too many.
 */
export function alternativesOf(glob: string): string[] {
  const refused = (why: string) => new Error(`the glob ${shown(glob)} ${why}`);
  if (glob.length > longestGlob) throw refused(`is longer than ${longestGlob} characters`);
  const outer: { readonly before: readonly string[]; readonly choices: string[] }[] = [];
  let current = [''];
  for (const text of piecesOf(glob)) {
    const braces = outer.at(-1);
    if (text === '[') throw refused('has a [ that no ] ends, or nothing in it');
    if (text === '\\') throw refused('ends with a \\');
    if (text === '}' && !braces) throw refused('has a } without a {');
    if (text === '{') {
      outer.push({ before: current, choices: [] });
      current = [''];
    } else if (braces && (text === ',' || text === '}')) {
      const { before, choices } = braces;
      choices.push(...current);
      if (before.length * choices.length > mostAlternatives)
        throw refused(`stands for more than ${mostAlternatives} alternatives`);
      if (text === '}') outer.pop();
      current = text === ',' ? [''] : before.flatMap((start) => choices.map((choice) => start + choice));
    } else current = current.map((start) => start + text);
  }
  if (outer.length > 0) throw refused('has a { that no } ends');
  return current;
}

function shown(glob: string): string {
  return JSON.stringify(glob.length > 100 ? `${glob.slice(0, 100)}…` : glob);
}
