import { styleText } from 'node:util';

const width = 100;

/** A heading and rows in columns, at most 100 characters wide: what does not fit is cut with an ellipsis. */
export function table(title: string, rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    const cut = `  ${line}`.trimEnd();
    return cut.length > width ? `${cut.slice(0, width - 1)}…` : cut;
  });
  return `\n${styleText('bold', title)}\n${lines.join('\n') || '  nothing'}\n`;
}

/** A last line: good or bad, in words. */
export function verdict(good: boolean, text: string): string {
  return styleText(good ? 'green' : 'red', `${good ? '✓' : '✗'} ${text}`);
}
