/** What a person types, and what is printed then. */
export interface Exchange {
  /** Several lines, where the shell asks for more. */
  readonly command: string;
  readonly expected: readonly string[];
}

export type Block =
  | { readonly kind: 'console'; readonly exchanges: readonly Exchange[] }
  | { readonly kind: 'pipeline'; readonly yaml: string }
  | { readonly kind: 'log'; readonly expected: readonly string[] };

/**
 * The blocks of a page that are played, in order: `console`, each command after `# ` as at root's prompt, more of its lines after
 * `> `; `yaml`, the `.gitlab-ci.yml` of the jobs to come; `log`, the log of one such job.
 */
export function readTranscript(page: string): Block[] {
  return [...page.matchAll(/^```(console|yaml|log)\n(.*?)^```$/gms)].map(([, kind, text = '']): Block => {
    if (kind === 'console') return { kind, exchanges: exchanges(text) };
    return kind === 'yaml' ? { kind: 'pipeline', yaml: text } : { kind: 'log', expected: linesOf(text) };
  });
}

function exchanges(text: string): Exchange[] {
  const [before = '', ...rest] = text.split(/^# /m);
  if (before !== '') throw new Error(`a block of the console begins with output: ${before}`);
  return rest.map((each) => {
    const [first = '', ...lines] = linesOf(each);
    const output = lines.findIndex((line) => !line.startsWith('> '));
    const more = output < 0 ? lines : lines.slice(0, output);
    return { command: [first, ...more.map((line) => line.slice(2))].join('\n'), expected: lines.slice(more.length) };
  });
}

/** As printed, without the blanks at the ends of lines and of the text, nor colours and marks of sections. */
export function linesOf(text: string): string[] {
  const plain = text
    .replace(/section_(start|end):[^\r\n]*\r/g, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
    .replace(/\u001b\[[\d;]*[A-Za-z]/g, '');
  const lines = plain.split(/\r?\n/).map((line) => line.trimEnd());
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Whether lines are as expected. `…` stands for any text in a line; alone in a line, for any number of lines. */
export function agrees(actual: readonly string[], expected: readonly string[]): boolean {
  let [seen, wanted] = [0, 0];
  /** Where the last `…` was, and from where what follows it is looked for: an earlier one never has to take more. */
  let last: { wanted: number; seen: number } | undefined;
  while (seen < actual.length) {
    const line = expected[wanted];
    if (line === '…') {
      last = { wanted: ++wanted, seen };
    } else if (line !== undefined && patternOf(line).test(actual[seen] ?? '')) {
      seen++;
      wanted++;
    } else if (last !== undefined) {
      seen = ++last.seen;
      wanted = last.wanted;
    } else return false;
  }
  return expected.slice(wanted).every((line) => line === '…');
}

function patternOf(line: string): RegExp {
  const literal = line.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('…', '.*')}$`);
}
