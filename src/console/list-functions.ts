/** A page of the list of functions: filtered by name and state, in order of names. Pure. */
import type { FunctionPageAnswer, FunctionRow } from './console-source.ts';

/** Rows of one page, at most. */
const mostRows = 500;

export interface FunctionQuery {
  /** Part of `NAMESPACE/NAME`. */
  readonly find: string;
  readonly offset: number;
  readonly limit: number;
}

/** A text: what is wrong. */
export function readFunctionQuery(query: Readonly<Record<string, string | undefined>>): FunctionQuery | string {
  const { find = '', offset = '0', limit = '100' } = query;
  if (!/^\d{1,6}$/.test(offset)) return 'offset must be a number';
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > mostRows) return `limit must be a number from 1 to ${mostRows}`;
  return { find: find.toLowerCase(), offset: Number(offset), limit: Number(limit) };
}

/** `rows` are in order. */
export function pageOfFunctions(rows: readonly FunctionRow[], query: FunctionQuery): FunctionPageAnswer {
  const { find, offset, limit } = query;
  const found = find === '' ? rows : rows.filter(({ namespace, name }) => `${namespace}/${name}`.includes(find));
  return { total: found.length, rows: found.slice(offset, offset + limit) };
}
