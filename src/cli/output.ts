/** How answers are printed: tables for people, JSON and YAML for machines. */
import { stringify } from 'yaml';
import { escapeText } from './escape-text.ts';

/** What `-o` may ask for; `table` without it. */
const formats = ['json', 'yaml', 'wide', 'name'] as const;

export type OutputFormat = 'table' | (typeof formats)[number];

/** Undefined: `-o` asks for something else than `known`, which was said. */
export function readFormat(
  output: string | undefined,
  known: readonly (typeof formats)[number][] = formats,
): OutputFormat | undefined {
  const found = known.find((format) => format === output);
  if (output === undefined) return 'table';
  if (found === undefined) complain(`--output knows ${known.join(', ')}`);
  return found;
}

/** Prints for machines; false: the format is one for people. */
export function printValue(format: OutputFormat, value: unknown): boolean {
  if (format === 'json') process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  else if (format === 'yaml') process.stdout.write(stringify(value));
  else return false;
  return true;
}

/** Lines for people, control characters shown. */
export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${escapeText(line)}\n`).join(''));
}

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

const cellOf = (text: string): string => escapeText(text).replaceAll(/[\n\t]/g, ' ');

/** Rows that come one by one: a column begins with its usual width, and grows when it must. */
export function createColumns(
  header: readonly string[],
  usual: readonly number[],
): { readonly header: string; row(cells: readonly string[]): string } {
  const widths = header.map((name, column) => Math.max(name.length, usual[column] ?? 0));
  const row = (cells: readonly string[]): string =>
    cells
      .map((text, column) => {
        const cell = cellOf(text);
        widths[column] = Math.max(widths[column] ?? 0, cell.length);
        return column === header.length - 1 ? cell : cell.padEnd(widths[column] ?? 0);
      })
      .join('  ')
      .trimEnd();
  return { header: row(header), row };
}

/** Columns as wide as they must be; the last one is never padded. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows.map((row) => row.map(cellOf))];
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

/** `45s`, `3m`, `2h`, `4d`, as kubectl has it. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
