/** A path as a shell takes it for one word, for commands that people are told to run. */
export function shellWord(path: string): string {
  return /^[\w./@%+,:=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
