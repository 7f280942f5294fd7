import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterHelp, callables, commandLine } from '../setup/command-line.ts';

const root = join(import.meta.dirname, '..');

/** A text that people read, and where it is. */
export interface Text {
  readonly where: string;
  readonly text: string;
}

/** Every page of the documentation. */
export function pages(): Text[] {
  const names = [...globSync('docs/**/*.md', { cwd: root }), ...globSync('*.md', { cwd: root })].sort();
  return names.map((where) => ({ where, text: readFileSync(join(root, where), 'utf8') }));
}

/** What --help says of each command. */
export function helps(): Text[] {
  return callables(commandLine()).map(({ words, command }) => ({
    where: `${words} --help`,
    text: afterHelp(command),
  }));
}

/** The lines of code that call bulkhead, as a shell takes them. */
export function callLines(text: string): string[] {
  const lines = text.matchAll(/^(?: {2,}|\$ )?((?:[^|\n]+ \| )?(?:[A-Z_]+=\S+ )*bulkhead [a-z-].*)$/gm);
  // Of what stands in columns, the first.
  return [...lines].map(([, line = '']) => line.replace(/ {3,}.*/, ''));
}

/** The calls in code within a line; some only name a command. */
export function callSpans(text: string): string[] {
  return [...text.matchAll(/`(bulkhead [a-z-][^`]*)`/g)].map(([, span = '']) => span);
}
