/** Writes Lua values as JSON: 64-bit integers exactly, floats in their shortest form (`5.0` is `5`), sparse arrays by lua-cjson's rules. */
import { jsonNull, type LuaKey, type LuaValue } from '../lua/types.ts';

export interface EncodeOptions {
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** Values of all kinds and names of members together. */
  readonly maxValues: number;
  /** Empty tables without a kind: `{}` or `[]`. */
  readonly emptyTable: 'object' | 'array';
  /** A table with positive integer keys becomes an array unless its highest key is above `safe` and `ratio` times its size. */
  readonly sparse: { readonly convert: boolean; readonly ratio: number; readonly safe: number };
  /** Infinity and NaN: an error, or `null`. */
  readonly invalidNumbers: 'refuse' | 'null';
  /** Members in the order of their names: equal values are equal texts. */
  readonly sortKeys?: boolean;
}

export const defaultEncodeOptions: EncodeOptions = {
  maxBytes: 1024 * 1024,
  maxDepth: 64,
  maxValues: 40_000,
  emptyTable: 'object',
  sparse: { convert: false, ratio: 2, safe: 10 },
  invalidNumbers: 'refuse',
};

/** A value JSON cannot hold; the path leads to it from the outermost value. */
export class EncodeProblem extends Error {
  readonly reason: string;
  path = '';
  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }

  within(step: string): this {
    this.path = step + this.path;
    this.message = `${this.reason} at ${this.path}`;
    return this;
  }
}

/** Encodes a value or throws an EncodeProblem. */
export function encodeJson(value: LuaValue, options: EncodeOptions = defaultEncodeOptions): string {
  return new Writer(options).document(value);
}

const stringPiece = 16_384;

class Writer {
  readonly #options: EncodeOptions;
  #out = '';
  #values = 0;

  constructor(options: EncodeOptions) {
    this.#options = options;
  }

  document(value: LuaValue): string {
    this.#value(value, 0);
    return this.#out;
  }

  #add(text: string): void {
    this.#out += text;
    if (this.#out.length > this.#options.maxBytes) {
      throw new EncodeProblem(`the text would be longer than ${this.#options.maxBytes} bytes`);
    }
  }

  #value(value: LuaValue, depth: number): void {
    this.#count();
    if (typeof value === 'string') this.#string(value);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'bigint') this.#add(value.toString());
    else if (typeof value === 'boolean') this.#add(value ? 'true' : 'false');
    else if (value === undefined || value === jsonNull) this.#add('null');
    else this.#table(value, depth);
  }

  #count(): void {
    this.#values += 1;
    if (this.#values > this.#options.maxValues) {
      throw new EncodeProblem(`more than ${this.#options.maxValues} names and values`);
    }
  }

  #string(text: string): void {
    // In pieces: escapes make a text up to six times as long, and the cap must hold before all of it is made.
    if (text.length <= stringPiece) {
      this.#add(JSON.stringify(text));
      return;
    }
    this.#add('"');
    for (let from = 0; from < text.length;) {
      let to = Math.min(from + stringPiece, text.length);
      // Never between the halves of a surrogate pair.
      if (to < text.length && (text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to -= 1;
      this.#add(JSON.stringify(text.slice(from, to)).slice(1, -1));
      from = to;
    }
    this.#add('"');
  }

  #number(value: number): void {
    if (Number.isFinite(value)) {
      this.#add(Object.is(value, -0) ? '-0' : String(value));
      return;
    }
    if (this.#options.invalidNumbers === 'null') this.#add('null');
    else throw new EncodeProblem(`${Number.isNaN(value) ? 'NaN' : 'infinity'} has no JSON form`);
  }

  #table(value: LuaValue[] | Map<LuaKey, LuaValue> | Uint8Array, depth: number): void {
    if (value instanceof Uint8Array) {
      throw new EncodeProblem(describeBytes(value.subarray(0, this.#options.maxBytes)));
    }
    if (depth >= this.#options.maxDepth) {
      throw new EncodeProblem(`tables nested deeper than ${this.#options.maxDepth} levels`);
    }
    if (Array.isArray(value)) {
      this.#array(value.length, (index) => value[index - 1], depth);
      return;
    }
    const length = sequenceLength(value, this.#options.sparse);
    if (length === undefined || (length === 0 && this.#options.emptyTable === 'object')) this.#object(value, depth);
    else this.#array(length, (index) => value.get(index), depth);
  }

  #array(length: number, item: (index: number) => LuaValue, depth: number): void {
    this.#add('[');
    for (let index = 1; index <= length; index += 1) {
      if (index > 1) this.#add(',');
      try {
        this.#value(item(index), depth + 1);
      } catch (error) {
        throw error instanceof EncodeProblem ? error.within(`[${index}]`) : error;
      }
    }
    this.#add(']');
  }

  #object(members: ReadonlyMap<LuaKey, LuaValue>, depth: number): void {
    this.#add('{');
    let first = true;
    for (const [key, value] of this.#options.sortKeys === true ? sorted(members) : members) {
      if (!first) this.#add(',');
      first = false;
      try {
        this.#count();
        if (typeof key === 'boolean') throw new EncodeProblem('a key that is a boolean');
        this.#string(String(key));
        this.#add(':');
        this.#value(value, depth + 1);
      } catch (error) {
        throw error instanceof EncodeProblem ? error.within(`.${String(key).slice(0, 64)}`) : error;
      }
    }
    this.#add('}');
  }
}

function sorted(members: ReadonlyMap<LuaKey, LuaValue>): readonly (readonly [LuaKey, LuaValue])[] {
  return [...members].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

/** The highest key of a table that is an array (perhaps with gaps); undefined: it is an object. */
function sequenceLength(table: ReadonlyMap<LuaKey, LuaValue>, sparse: EncodeOptions['sparse']): number | undefined {
  let highest = 0;
  for (const key of table.keys()) {
    if (typeof key !== 'number' || !Number.isInteger(key) || key < 1) return undefined;
    if (key > highest) highest = key;
  }
  // Without gaps it would have arrived as an array, had it not been marked as an object.
  if (highest > 0 && highest === table.size) return undefined;
  if (sparse.ratio > 0 && highest > sparse.safe && highest > table.size * sparse.ratio) {
    if (!sparse.convert) throw new EncodeProblem('an array with too many gaps');
    return undefined;
  }
  return highest;
}

function describeBytes(bytes: Uint8Array): string {
  let valid = 0;
  let high = bytes.length;
  // The longest prefix that decodes (perhaps ending inside a character) ends where the fault is.
  while (valid < high) {
    const middle = Math.ceil((valid + high) / 2);
    if (decodes(bytes.subarray(0, middle))) valid = middle;
    else high = middle - 1;
  }
  return `a string that is not valid UTF-8 (byte ${valid + 1}; use base64.encode for bytes)`;
}

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
