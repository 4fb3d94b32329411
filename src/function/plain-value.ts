/** Values that came out of Lua, as the result rules read them; the engine's own values satisfy it. */

export type PlainKey = string | number | bigint | boolean;

/**
 * `undefined` is nil, a symbol is `json.null`; integers beyond ±(2^53−1) are bigint; a string that is not UTF-8 is bytes; a
 * sequence is an array, any other table a Map.
 */
export type PlainValue =
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | symbol
  | readonly PlainValue[]
  | PlainTable;

export type PlainTable = ReadonlyMap<PlainKey, PlainValue>;

export function isTable(value: PlainValue): value is PlainTable {
  return value instanceof Map;
}

/** Lua's word for the kind of a value. */
export function kindOf(value: PlainValue): string {
  if (value === undefined) return 'nil';
  if (typeof value === 'boolean') return 'a boolean';
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number';
  if (typeof value === 'symbol') return 'json.null';
  if (typeof value === 'string' || value instanceof Uint8Array) return 'a string';
  return 'a table';
}
