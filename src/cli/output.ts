/** How answers are printed: tables for people, JSON for machines. */
import { escapeText } from './escape-text.ts';

/** Whether `-o` asks for JSON; undefined: it asks for something unknown, which was said. */
export function wantsJson(output: string | undefined): boolean | undefined {
  if (output === undefined) return false;
  if (output === 'json') return true;
  process.stderr.write('moonhook: --output knows json only\n');
  return undefined;
}

/** Says on standard error what went wrong. */
export function complain(message: string): void {
  process.stderr.write(`moonhook: ${escapeText(message)}\n`);
}

/** Columns as wide as they must be; the last one is never padded. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows.map((row) => row.map((cell) => escapeText(cell).replaceAll(/[\n\t]/g, ' ')))];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => (column === header.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** `12 ms`, `3.4 s`, `2 min`. */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}
