import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KnownDifference, themes } from './known-difference.ts';
import { knownDifferences } from './known-differences.ts';

/** For people who move from the Docker executor; its tables are made here. */
export const documentPath = join(import.meta.dirname, '../../../docs/differences.md');

const begin = '<!-- From test/runner/docker/known-differences.ts by test/runner/docker/document.ts -->';
const end = '<!-- End -->';

/** The document with its tables as the list has them. */
export function withTables(document: string, known: readonly KnownDifference[] = knownDifferences): string {
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${documentPath} has no place for the tables`);
  return `${before}${begin}\n\n${tables(known)}\n${end}${after}`;
}

function tables(known: readonly KnownDifference[]): string {
  return themes
    .filter((theme) => known.some((each) => each.theme === theme))
    .map((theme) => {
      const rows = known
        .filter((each) => each.theme === theme)
        .map((each) => [each.what, each.docker, each.bulkhead, each.why]);
      return `## ${theme}\n\n${table([['', 'Docker executor', 'Bulkhead', ''], ...rows])}`;
    })
    .join('\n');
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('');
}

if (import.meta.main) writeFileSync(documentPath, withTables(readFileSync(documentPath, 'utf8')));
