/** Reads Lua values as plain data: raw (no metamethod runs), bounded in depth, keys and bytes, with cycles refused. */
import { formatBytes } from './format-bytes.ts';
import {
  nodeBytes,
  nodeKey,
  nodeKeyTag,
  tableArray,
  tableArrayLimit,
  tableFlags,
  tableMetatable,
  tableNodeBits,
  tableNodes,
  tags,
  valueBytes,
} from './layout.ts';
import type { MemoryViews } from './memory-views.ts';
import { jsonNull, LuaRaise, type LuaKey, type LuaValue } from './types.ts';

/** Metatables the engine knows by address. */
export interface KnownMetatables {
  readonly array: number;
  readonly object: number;
  readonly lazy: number;
}

/** Entries a name counts as: 15,000 names are read in some 8 ms, and no host call may take 20. */
const keyEntries = 12;

/** What one read may still use. `what` is read, for the message: `the value`, `the result`. */
export class ReadBudget {
  bytes: number;
  entries: number;
  readonly depth: number;
  readonly #what: string;
  readonly #maxBytes: number;
  readonly #maxEntries: number;

  constructor(bytes: number, what = 'the value', entries = 200_000, depth = 64) {
    this.bytes = bytes;
    this.entries = entries;
    this.depth = depth;
    this.#what = what;
    this.#maxBytes = bytes;
    this.#maxEntries = entries;
  }

  spend(bytes: number): void {
    this.bytes -= bytes;
    if (this.bytes < 0) throw new LuaRaise(`${this.#what} is larger than ${formatBytes(this.#maxBytes)}`);
  }

  count(entries: number): void {
    this.entries -= entries;
    if (this.entries >= 0) return;
    const names = Math.floor(this.#maxEntries / keyEntries);
    throw new LuaRaise(`${this.#what} has too many entries: more than ${this.#maxEntries}, or ${names} of them named`);
  }
}

/** Reads values of one machine. `materialise` fills a lazy table before it is read. */
export class ValueReader {
  readonly #views: MemoryViews;
  readonly #known: KnownMetatables;
  readonly #materialise: (table: number) => void;
  readonly #path: number[] = [];

  constructor(views: MemoryViews, known: KnownMetatables, materialise: (table: number) => void) {
    this.#views = views;
    this.#known = known;
    this.#materialise = materialise;
  }

  /** The value whose TValue is at `address`. */
  read(address: number, budget: ReadBudget): LuaValue {
    this.#path.length = 0;
    return this.#value(address, budget);
  }

  #value(address: number, budget: ReadBudget): LuaValue {
    const views = this.#views;
    const tag = views.tag(address);
    switch (tag) {
      case tags.shortString:
      case tags.longString: {
        const [start, end] = views.stringRange(views.word(address), tag);
        budget.spend(end - start + 16);
        return views.decode(start, end) ?? views.u8.slice(start, end);
      }
      case tags.integer:
        return views.integer(address);
      case tags.float:
        return views.f64[address >>> 3] ?? 0;
      case tags.true:
        return true;
      case tags.false:
        return false;
      case tags.nil:
      case tags.empty:
      case tags.absent:
        return undefined;
      case tags.lightUserdata:
        return jsonNull;
      case tags.table:
        return this.#table(views.word(address), budget);
      default:
        throw new LuaRaise(`a ${typeName(tag)} cannot be passed on: only plain data can`);
    }
  }

  #table(table: number, budget: ReadBudget): LuaValue {
    const views = this.#views;
    const path = this.#path;
    if (path.length >= budget.depth) throw new LuaRaise(`tables are nested deeper than ${budget.depth} levels`);
    if (path.includes(table)) throw new LuaRaise('the table contains itself');
    const metatable = views.word(table + tableMetatable);
    if (metatable !== 0 && metatable === this.#known.lazy) this.#materialise(table);
    path.push(table);
    const items: LuaValue[] = [];
    const arrayAddress = views.word(table + tableArray);
    const arraySize = this.#arraySize(table);
    let dense = true;
    let extra: Map<LuaKey, LuaValue> | undefined;
    for (let index = 0; index < arraySize; index += 1) {
      const at = arrayAddress + index * valueBytes;
      if ((views.tag(at) & 0x0f) === 0) {
        dense = false;
        continue;
      }
      this.#count(budget);
      if (dense) items.push(this.#value(at, budget));
      else (extra ??= new Map<LuaKey, LuaValue>()).set(index + 1, this.#value(at, budget));
    }
    const nodes = views.word(table + tableNodes);
    const size = 1 << Math.min(views.byte(table + tableNodeBits), 26);
    for (let index = 0; index < size; index += 1) {
      const node = nodes + index * nodeBytes;
      if ((views.tag(node) & 0x0f) === 0 || node + nodeBytes > views.u8.length) continue;
      this.#count(budget);
      const key = this.#key(node, budget);
      (extra ??= new Map<LuaKey, LuaValue>()).set(key, this.#value(node, budget));
    }
    path.pop();
    return this.#shape(items, extra, metatable);
  }

  #count(budget: ReadBudget): void {
    budget.count(1);
    budget.spend(16);
  }

  #shape(items: LuaValue[], extra: Map<LuaKey, LuaValue> | undefined, metatable: number): LuaValue {
    if (extra !== undefined) {
      // Elements of a sequence may live in the hash part.
      let next = items.length + 1;
      while (extra.has(next)) {
        items.push(extra.get(next));
        extra.delete(next);
        next += 1;
      }
    }
    const rest = extra === undefined ? 0 : extra.size;
    if (rest === 0 && metatable !== this.#known.object) {
      if (items.length > 0 || (metatable !== 0 && metatable === this.#known.array)) return items;
      return new Map();
    }
    if (items.length === 0 && extra !== undefined) return extra;
    const map = new Map<LuaKey, LuaValue>();
    for (const [index, item] of items.entries()) map.set(index + 1, item);
    if (extra !== undefined) for (const [key, value] of extra) map.set(key, value);
    return map;
  }

  #key(node: number, budget: ReadBudget): LuaKey {
    const views = this.#views;
    const tag = views.byte(node + nodeKeyTag) & 0x3f;
    const at = node + nodeKey;
    switch (tag) {
      case tags.shortString:
      case tags.longString: {
        const object = views.word(at);
        const [start, end] = views.stringRange(object, tag);
        budget.spend(end - start);
        // Decoding a name costs as much as reading some values.
        budget.count(keyEntries);
        const text = views.keyText(object, tag);
        if (text === undefined) throw new LuaRaise('a key of the table is not valid UTF-8');
        return text;
      }
      case tags.integer:
        return views.integer(at);
      case tags.float:
        return views.f64[at >>> 3] ?? 0;
      case tags.true:
        return true;
      case tags.false:
        return false;
      default:
        throw new LuaRaise(`a table has a key of type ${typeName(tag)}, which cannot be passed on`);
    }
  }

  /** Slots of the array part (`luaH_realasize`): the limit is a hint when the flag is set. */
  #arraySize(table: number): number {
    const views = this.#views;
    const limit = views.word(table + tableArrayLimit);
    let size = limit;
    if ((views.byte(table + tableFlags) & 0x80) !== 0 && (limit & (limit - 1)) !== 0) {
      size = 1;
      while (size < limit && size < 0x8000000) size *= 2;
    }
    return Math.min(size, Math.floor(views.u8.length / valueBytes));
  }
}

/** Lua's name of a tag's type. */
export function typeName(
  tag: number,
): 'nil' | 'boolean' | 'number' | 'string' | 'table' | 'function' | 'userdata' | 'thread' {
  switch (tag & 0x0f) {
    case 0:
      return 'nil';
    case 1:
      return 'boolean';
    case 2:
    case 7:
      return 'userdata';
    case 3:
      return 'number';
    case 4:
      return 'string';
    case 5:
      return 'table';
    case 6:
      return 'function';
    default:
      return 'thread';
  }
}
