/*
 * Globs: `*` is anything but a slash, `**` as a whole part is any number of parts (at the end: at least one, so `group/**` is
 * what is below `group`), `?` one character. Nothing else is special: no braces, classes or negation, so that a list of
 * globs says what it seems to say.
 *
 * By hand: picomatch takes `./a` for `a` and `*.*` for "something behind the dot", and makes regular expressions that
 * need more than a minute for names that a job's author can choose (`*a*a*a*b` and 2000 times `a`).
 */

/** Compiles a glob that has no problem; no text with an empty part (`a/`, `a//b`) matches. Takes linear time per wildcard. */
export function compileGlob(glob: string, ignoreCase = false): (text: string) => boolean {
  const fold = ignoreCase ? foldCase : (text: string) => text;
  const parts = fold(glob).split('/');
  const wanted = parts.at(-1) === '**' ? [...parts, '*'] : parts;
  return (text) => matches(wanted, fold(text).split('/'), '**', matchesPart);
}

/** What is wrong with a glob, if anything. */
export function globProblem(glob: string): string | undefined {
  if (glob === '') return 'is empty';
  if (!/^[A-Za-z0-9._/*?-]+$/.test(glob)) return 'may hold letters, digits, . _ - / and the wildcards *, ** and ? only';
  const parts = glob.split('/');
  if (parts.includes('')) return 'has an empty part (a slash too many)';
  if (parts.includes('.') || parts.includes('..')) return 'has . or .. for a part, which no name has';
  if (parts.some((part) => part.includes('**') && part !== '**')) {
    return 'has ** beside other characters; ** stands for whole parts, as in group/**';
  }
  if (`${glob}/`.includes('**/**/')) return 'has ** twice in a row; once says the same';
  return undefined;
}

function matchesPart(wanted: string, part: string): boolean {
  return part !== '' && matches(wanted, part, '*', (one, character) => one === '?' || one === character);
}

/**
 * Whether a sequence fits one with wildcards for any number of items. Going back to the last wildcard is enough: what an
 * earlier one could still take, the last one can take as well.
 */
function matches(
  wanted: ArrayLike<string>,
  items: ArrayLike<string>,
  any: string,
  fits: (wanted: string, item: string) => boolean,
): boolean {
  let at = 0;
  let item = 0;
  let lastAny = -1;
  let taken = 0;
  while (item < items.length) {
    if (wanted[at] === any) {
      lastAny = at++;
      taken = item;
    } else if (at < wanted.length && fits(wanted[at] ?? '', items[item] ?? '')) {
      at++;
      item++;
    } else if (lastAny >= 0) {
      at = lastAny + 1;
      item = ++taken;
    } else {
      return false;
    }
  }
  while (wanted[at] === any) at++;
  return at === wanted.length;
}

/** Of ASCII only: no letter of another alphabet becomes one of ours. */
function foldCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
