import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Symptom } from '../src/diagnosis/symptom.ts';
import { symptomGroups } from '../src/diagnosis/symptoms/all.ts';

/** What `bulkhead diagnose` knows; its tables are made here. */
export const documentPath = join(import.meta.dirname, '../docs/diagnosis.md');

const begin = '<!-- From src/diagnosis/symptoms by setup/diagnosis-page.ts -->';
const end = '<!-- End -->';

const titles: Record<keyof typeof symptomGroups, string> = {
  live: 'What no line says',
  runner: 'GitLab Runner and the start of the driver',
  codes: 'Errors of the driver',
  warnings: 'Warnings of the driver',
  host: 'Podman and runsc',
  sandbox: 'What gVisor and the policies do not let a job do',
  job: 'Network, limits, image and sources of a job',
};

/** The document with its tables as the symptoms have them. */
export function withTables(document: string): string {
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${documentPath} has no place for the tables`);
  return `${before}${begin}\n\n${tables()}\n${end}${after}`;
}

function tables(): string {
  return (Object.keys(titles) as (keyof typeof symptomGroups)[])
    .map((group) => `### ${titles[group]}\n\n${group === 'codes' ? codes() : symptoms(symptomGroups[group])}`)
    .join('\n');
}

function codes(): string {
  const rows = symptomGroups.codes.map(({ id, title, page, blame, next }) => [`[${id}](${page})`, title, blame, next]);
  return table([['Code', 'What', 'Turn', 'Next step'], ...rows]);
}

function symptoms(group: readonly Symptom[]): string {
  const rows = group.map(({ id, title, signs, cause, blame, next, page }) => [
    `[${id}](${page})`,
    [`${title}${signs.length > 0 ? ':' : ''}`, ...signs.map((sign) => `\`${sign.trim()}\``)].join('<br>'),
    cause,
    blame,
    next,
  ]);
  return table([['Symptom', 'Seen', 'Likely cause', 'Turn', 'Next step'], ...rows]);
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const safe = (cell: string) => cell.replaceAll('|', '\\|').replaceAll(/<(?!br>)/g, '\\<');
  return [line(head), line(head.map(() => '---')), ...rows.map((cells) => line(cells.map(safe)))].join('');
}

if (import.meta.main) writeFileSync(documentPath, withTables(readFileSync(documentPath, 'utf8')));
