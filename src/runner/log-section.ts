const ESC = '\x1b';

/**
 * Lines of the job log that GitLab shows collapsed below their header, by the markers that GitLab's own sections use.
 * @param name of letters, digits, `_`, `.` and `-`; unique in the job.
 * @param at Unix time in seconds.
 */
export function collapsedSection(name: string, header: string, lines: readonly string[], at: number): string {
  const marker = (edge: string, options = '') => `${ESC}[0Ksection_${edge}:${at}:${name}${options}\r${ESC}[0K`;
  return `${marker('start', '[collapsed=true]')}${header}\n${lines.map((line) => `  ${line}\n`).join('')}${marker('end')}`;
}
