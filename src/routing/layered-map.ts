/**
 * A map that never changes: `with` makes another one that shares nearly everything with it, and two of one descent know
 * where they differ. So what is kept for ten thousand functions costs an edit of one of them no more than for ten.
 */

type Layer<Value> = ReadonlyMap<string, Value | undefined>;

/** Where a base comes from: the base before it, and the keys by which they differ. */
interface Descent {
  readonly base: WeakRef<ReadonlyMap<string, unknown>>;
  readonly keys: readonly string[];
}

/** Changes that lie over the base at most, beside a share of the base: then they become one. */
const leastOver = 64;
const shareOver = 64;

const nothing: ReadonlyMap<string, undefined> = new Map<string, undefined>();

export class LayeredMap<Value extends {}> implements ReadonlyMap<string, Value> {
  readonly #base: ReadonlyMap<string, Value>;
  /** What is not as in the base; undefined: gone. */
  readonly #over: Layer<Value>;
  readonly #descent: Descent | undefined;
  readonly size: number;

  private constructor(base: ReadonlyMap<string, Value>, over: Layer<Value>, size: number, descent?: Descent) {
    this.#base = base;
    this.#over = over;
    this.#descent = descent;
    this.size = size;
  }

  static of<Value extends {}>(entries: Iterable<readonly [string, Value]> = []): LayeredMap<Value> {
    const base = new Map(entries);
    return new LayeredMap<Value>(base, nothing, base.size);
  }

  get(key: string): Value | undefined {
    return valueOf(key, this.#base, this.#over);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Undefined takes a key away. The same map if nothing is different. */
  with(changes: Iterable<readonly [string, Value | undefined]>): LayeredMap<Value> {
    let over: Map<string, Value | undefined> | undefined;
    let { size } = this;
    for (const [key, value] of changes) {
      const before = valueOf(key, this.#base, over ?? this.#over);
      if (before === value) continue;
      over ??= new Map(this.#over);
      if (value === undefined && !this.#base.has(key)) over.delete(key);
      else over.set(key, value);
      size += (value === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    }
    if (over === undefined) return this;
    if (over.size <= leastOver + this.#base.size / shareOver) {
      return new LayeredMap(this.#base, over, size, this.#descent);
    }
    const base = new Map(this.#base);
    for (const [key, value] of over) {
      if (value === undefined) base.delete(key);
      else base.set(key, value);
    }
    // More changes than there was: whoever compares the two looks at everything, with or without a list.
    if (over.size > this.#base.size) return new LayeredMap<Value>(base, nothing, size);
    const descent = { base: new WeakRef<ReadonlyMap<string, unknown>>(this.#base), keys: [...over.keys()] };
    return new LayeredMap<Value>(base, nothing, size, descent);
  }

  /** Keys that may stand for something else in the other one; undefined: the two have nothing in common. */
  suspects(other: LayeredMap<Value>): Iterable<string> | undefined {
    const both = [...this.#over.keys(), ...other.#over.keys()];
    if (this.#base === other.#base) return both;
    if (this.#descent?.base.deref() === other.#base) return [...both, ...this.#descent.keys];
    return other.#descent?.base.deref() === this.#base ? [...both, ...other.#descent.keys] : undefined;
  }

  *entries(): MapIterator<[string, Value]> {
    for (const entry of this.#base) {
      if (this.#over.size === 0 || !this.#over.has(entry[0])) {
        yield entry;
        continue;
      }
      // In its place, so that an edit moves nothing.
      const own = this.#over.get(entry[0]);
      if (own !== undefined) yield [entry[0], own];
    }
    for (const [key, own] of this.#over) if (own !== undefined && !this.#base.has(key)) yield [key, own];
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<Value> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, Value]> {
    return this.entries();
  }

  forEach(call: (value: Value, key: string, map: ReadonlyMap<string, Value>) => void): void {
    for (const [key, value] of this.entries()) call(value, key, this);
  }
}

function valueOf<Value>(key: string, base: ReadonlyMap<string, Value>, over: Layer<Value>): Value | undefined {
  const own = over.get(key);
  return own !== undefined || over.has(key) ? own : base.get(key);
}

/** Keys that stand for another object in `after` than in `before`, or in one of them only. */
export function differingKeys<Value extends {}>(
  before: ReadonlyMap<string, Value>,
  after: ReadonlyMap<string, Value>,
): readonly string[] {
  if (before === after) return [];
  const suspects = before instanceof LayeredMap && after instanceof LayeredMap ? after.suspects(before) : undefined;
  if (suspects !== undefined) return [...new Set(suspects)].filter((key) => before.get(key) !== after.get(key));
  const keys: string[] = [];
  for (const [key, value] of after) if (before.get(key) !== value) keys.push(key);
  for (const key of before.keys()) if (!after.has(key)) keys.push(key);
  return keys;
}
