/**
 * The header lines of a request as a map of names in lower case to their values in order of arrival. Verifying a sender asks
 * for one or two names: they are looked for in the lines, and the table is made for whoever goes through all of them.
 */
import { firstOf } from './request-head.ts';

export class HeaderLines implements ReadonlyMap<string, readonly string[]> {
  readonly #raw: readonly string[];
  #table: ReadonlyMap<string, readonly string[]> | undefined = undefined;

  /** `raw`: names and values alternating. */
  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  get(name: string): readonly string[] | undefined {
    if (this.#table !== undefined) return this.#table.get(name);
    const raw = this.#raw;
    let values: string[] | undefined;
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const line = raw[at] as string;
      if (line.length !== name.length || (line !== name && line.toLowerCase() !== name)) continue;
      if (values === undefined) values = [raw[at + 1] as string];
      else values.push(raw[at + 1] as string);
    }
    return values;
  }

  first(name: string): string | undefined {
    return this.#table === undefined ? firstOf(this.#raw, name) : this.#table.get(name)?.[0];
  }

  has(name: string): boolean {
    return this.first(name) !== undefined;
  }

  get size(): number {
    return this.#all.size;
  }

  keys(): MapIterator<string> {
    return this.#all.keys();
  }

  values(): MapIterator<readonly string[]> {
    return this.#all.values();
  }

  entries(): MapIterator<[string, readonly string[]]> {
    return this.#all.entries();
  }

  [Symbol.iterator](): MapIterator<[string, readonly string[]]> {
    return this.#all.entries();
  }

  forEach(callback: (values: readonly string[], name: string, map: ReadonlyMap<string, readonly string[]>) => void) {
    for (const [name, values] of this.#all) callback(values, name, this);
  }

  get #all(): ReadonlyMap<string, readonly string[]> {
    return (this.#table ??= gatherHeaders(this.#raw));
  }
}

/** Names in lower case, values in order of arrival. */
function gatherHeaders(raw: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const value = raw[index + 1] as string;
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [value]);
    else values.push(value);
  }
  return headers;
}
