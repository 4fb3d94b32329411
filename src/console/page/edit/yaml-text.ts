/** How values are written in YAML: at a column of a block, or inside of `{ … }` and `[ … ]`. */
import { stringify, type ToStringOptions } from 'yaml';

export type YamlKey = string | number;

/** `value` in one line of a flow collection. */
export function inFlow(value: unknown): string {
  // As the member of a list: commas and brackets of plain texts are quoted there.
  const text = stringify([value], { collectionStyle: 'flow', lineWidth: 0 }).trimEnd();
  return text.replace(/^\[\s*/, '').replace(/\s*\]$/, '');
}

/** A scalar in one line, in the quotes that it had; undefined: it needs several. */
export function inLine(value: unknown, quotes: string | undefined): string | undefined {
  if (typeof value === 'object' && value !== null) return undefined;
  const options: ToStringOptions = { lineWidth: 0 };
  if (quotes === 'QUOTE_DOUBLE' || quotes === 'QUOTE_SINGLE') options.defaultStringType = quotes;
  const text = stringify(value, options).trimEnd();
  return text.includes('\n') ? undefined : text;
}

/** `key: value`, its further lines at that column. */
export function pairAt(column: number, key: string, value: unknown): string {
  return indented(column, stringify({ [key]: value }, { lineWidth: 0, blockQuote: 'literal' }).trimEnd());
}

/** The value of an item of a block list, its further lines at that column. */
export function itemAt(column: number, value: unknown): string {
  return indented(column, stringify(value, { lineWidth: 0, blockQuote: 'literal' }).trimEnd());
}

function indented(column: number, text: string): string {
  const indent = ' '.repeat(column);
  return text
    .split('\n')
    .map((line, index) => (index === 0 || line === '' ? line : indent + line))
    .join('\n');
}
