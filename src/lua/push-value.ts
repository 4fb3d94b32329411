/** Gives plain JavaScript data to Lua: pushes a copy on the stack, tables whole, lazy tables as empty ones that fill on reading. */
import { tableMetatable } from './layout.ts';
import type { MemoryViews } from './memory-views.ts';
import type { KnownMetatables } from './read-value.ts';
import { jsonNull, lazy, LuaRaise, type LazyTable, type LuaInput, type LuaKey } from './types.ts';

const depthLimit = 64;

/** Gives the table object that stands for a lazy table (empty, in the image or new on the stack). */
export type LazyPusher = (state: number, table: LazyTable) => void;

/** Whether a value is a LazyTable. */
export function isLazy(value: object): value is LazyTable {
  return (value as Partial<LazyTable>)[lazy] === true;
}

/** Pushes values of one machine. */
export class ValuePusher {
  readonly #views: MemoryViews;
  readonly #known: KnownMetatables;
  readonly #pushLazy: LazyPusher;

  constructor(views: MemoryViews, known: KnownMetatables, pushLazy: LazyPusher) {
    this.#views = views;
    this.#known = known;
    this.#pushLazy = pushLazy;
  }

  push(state: number, value: LuaInput, depth = 0): void {
    const views = this.#views;
    switch (typeof value) {
      case 'string':
        views.pushText(state, value);
        return;
      case 'number':
        views.pushNumber(state, value);
        return;
      case 'boolean':
        views.pushBoolean(state, value);
        return;
      case 'undefined':
        views.pushNil(state);
        return;
      case 'bigint':
        views.pushInteger(state, value);
        return;
      case 'symbol':
        if (value === jsonNull) views.pushNull(state);
        else views.pushNil(state);
        return;
      case 'object':
        if (value === null) views.pushNil(state);
        else this.#object(state, value, depth);
        return;
      case 'function':
        throw new TypeError('a function cannot be given to Lua');
      default:
    }
  }

  #object(state: number, value: Exclude<LuaInput, null> & object, depth: number): void {
    const views = this.#views;
    if (value instanceof Uint8Array) {
      views.pushBytes(state, value);
      return;
    }
    if (depth >= depthLimit) throw new LuaRaise(`the value is nested deeper than ${depthLimit} levels`);
    if (views.exports.lua_checkstack(state, 8) === 0) throw new LuaRaise('stack overflow');
    if (Array.isArray(value)) this.#array(state, value as readonly LuaInput[], depth);
    else if (value instanceof Map) this.#map(state, value as ReadonlyMap<LuaKey, LuaInput>, depth);
    else if (isLazy(value)) this.#pushLazy(state, value);
    else this.#record(state, value as { readonly [key: string]: LuaInput }, depth);
    views.refresh();
  }

  #array(state: number, items: readonly LuaInput[], depth: number): void {
    const views = this.#views;
    views.exports.lua_createtable(state, items.length, 0);
    views.refresh();
    // A new table is white and the metatable stays reachable: no barrier is needed.
    views.u32[(views.word(views.top(state) - 16) + tableMetatable) >>> 2] = this.#known.array;
    let index = 0n;
    for (const item of items) {
      index += 1n;
      if (item === null || item === undefined) views.pushNull(state);
      else this.push(state, item, depth + 1);
      views.exports.lua_rawseti(state, -2, index);
      views.refresh();
    }
  }

  #map(state: number, map: ReadonlyMap<LuaKey, LuaInput>, depth: number): void {
    const views = this.#views;
    views.exports.lua_createtable(state, 0, map.size);
    views.refresh();
    for (const [key, item] of map) {
      if (item === undefined || item === null) continue;
      if (typeof key === 'number' && Number.isNaN(key)) throw new LuaRaise('a key of the table is NaN');
      this.push(state, key, depth + 1);
      this.push(state, item, depth + 1);
      views.exports.lua_rawset(state, -3);
      views.refresh();
    }
  }

  #record(state: number, record: { readonly [key: string]: LuaInput }, depth: number): void {
    const views = this.#views;
    const keys = Object.keys(record);
    views.exports.lua_createtable(state, 0, keys.length);
    views.refresh();
    for (const key of keys) {
      const item = record[key];
      if (item === undefined || item === null) continue;
      views.pushText(state, key);
      this.push(state, item, depth + 1);
      views.exports.lua_rawset(state, -3);
      views.refresh();
    }
  }
}
