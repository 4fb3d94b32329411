/** Pages of long lists: filtered by text, in the order they came. Pure. */
import type { PageWish } from './watch-source.ts';

/** Rows of one page, at most. */
const mostRows = 500;

/** A text: what is wrong. */
export function readPageWish(query: Readonly<Record<string, string | undefined>>): PageWish | string {
  const { find = '', offset = '0', limit = '100' } = query;
  if (!/^\d{1,6}$/.test(offset)) return 'offset must be a number';
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > mostRows) return `limit must be a number from 1 to ${mostRows}`;
  return { find: find.toLowerCase(), offset: Number(offset), limit: Number(limit) };
}

/** `text`: what a row is found by. */
export function pageOf<Row>(
  rows: readonly Row[],
  { find, offset, limit }: PageWish,
  text: (row: Row) => string,
): { readonly total: number; readonly rows: readonly Row[] } {
  const found = find === '' ? rows : rows.filter((row) => text(row).toLowerCase().includes(find));
  return { total: found.length, rows: found.slice(offset, offset + limit) };
}
