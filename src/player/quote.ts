/**
 * The three ways in which GitLab Runner quotes text in the scripts it generates (helpers/shell_escape.go).
 * They are reproduced with their flaws, because the driver meets exactly these scripts.
 */

const literal = /^[A-Za-z0-9,\-./@_]*$/;

const ansiCNames: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  "'": "\\'",
  '\\': '\\\\',
};

/** `$'…'` as bash and busybox ash read it, pure ASCII: everything above 0x7e becomes `\xNN`, byte by byte. */
export function ansiCQuote(text: string): string {
  if (text === '') return "''";
  if (literal.test(text)) return text;
  let quoted = '';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    if (ansiCNames[character] !== undefined) quoted += ansiCNames[character];
    else if (byte >= 0x20 && byte <= 0x7e) quoted += character;
    else quoted += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `$'${quoted}'`;
}

/**
 * `"…"` as every POSIX shell reads it, for jobs with FF_POSIXLY_CORRECT_ESCAPES (dash knows no `$'…'`).
 * Like the runner's, it quotes nothing when the text holds none of the characters below, so `a;b` or a lone
 * newline stays bare: whole scripts survive because they contain spaces.
 */
export function posixQuote(text: string): string {
  if (text === '') return "''";
  const escaped = text.replace(/[`"\\$]/g, '\\$&');
  return /[`"\\$ !#%&()*<=>?[|]/.test(text) ? `"${escaped}"` : escaped;
}

/** `"…"` around a path, in which the shell still expands `$PWD` and `$HOME` (Go's %q; equal to it for printable text). */
export function pathQuote(path: string): string {
  return JSON.stringify(path);
}
