/** Gives lazy tables to Lua: an empty table now, its fields when Lua asks for them or all at once. */
import type { Call } from './call.ts';
import { LazyStates, LazyState } from './lazy-tables.ts';
import { MachineEnd } from './ends.ts';
import { lazyStored, lazyTaken, tags, valueBytes } from './layout.ts';
import type { Machine } from './machine.ts';
import type { LazyTable } from './types.ts';

/** Pushes the table that stands for it: the next empty one of the image, or a new one. */
export function pushLazy(machine: Machine, state: number, table: LazyTable, metatable: number): void {
  const { call, views, exports } = machine;
  if (call === undefined) throw new MachineEnd('defect', 'a lazy table outside a call');
  const lazies = (call.lazies ??= new LazyStates());
  const slot = call.program.base.lazySlots[call.lazySlots];
  if (slot !== undefined) {
    call.lazySlots += 1;
    lazies.add(slot, new LazyState(table));
    views.pushObject(state, slot, tags.table);
    return;
  }
  exports.lua_createtable(state, 0, 8);
  views.refresh();
  const object = views.word(views.top(state) - 16);
  // White and new, its metatable from the image: no barrier is needed.
  views.setMetatable(object, metatable);
  lazies.add(object, new LazyState(table));
}

/** Gives a lazy table all its fields. */
export function materialise(machine: Machine, table: number): void {
  const { call, views, exports } = machine;
  const lazy = call?.lazies?.get(table);
  const thread = machine.state === 0 ? (call?.thread ?? 0) : machine.state;
  if (lazy === undefined || thread === 0) return;
  exports.lua_checkstack(thread, 8);
  views.refresh();
  for (const key of lazy.complete()) {
    const value = lazy.table.get(key);
    if (value === undefined || value === null) continue;
    views.pushObject(thread, table, tags.table);
    views.pushText(thread, key);
    machine.pusher.push(thread, value);
    exports.lua_rawset(thread, -3);
    exports.lua_settop(thread, -2);
    views.refresh();
  }
}

/** Address of the table in the first argument and the text of the key in the second. */
export function tableAndKey(machine: Machine, state: number): [table: number, key: string | undefined] {
  const { views } = machine;
  const table = views.argumentBase(state) + valueBytes;
  const tag = views.tag(table + valueBytes);
  const isText = tag === tags.shortString || tag === tags.longString;
  return [views.word(table), isText ? views.keyText(views.word(table + valueBytes), tag) : undefined];
}

/** The field of a lazy table that a script reads and Lua has not got: what the import `lazy_field` answers. */
export function readField(machine: Machine, state: number, call: Call): number {
  const { views, exports } = machine;
  const [object, asked] = tableAndKey(machine, state);
  const lazy = call.lazies?.get(object);
  if (lazy === undefined || asked === undefined) return absent(machine, state);
  const key = lazy.fold(asked);
  if (key !== asked) {
    // Another spelling: what was read or assigned under the folded name counts, and the value is stored under it.
    views.pushText(state, key);
    views.pushCopy(state, views.top(state) - valueBytes);
    exports.lua_rawget(state, 1);
    if ((views.tag(views.top(state) - valueBytes) & 0x0f) !== 0 || lazy.isResolved(key)) return lazyTaken;
    // The folded name takes the place of the one that was asked.
    exports.lua_settop(state, 3);
    exports.lua_copy(state, 3, 2);
    exports.lua_settop(state, 2);
  } else if (lazy.isResolved(key)) return absent(machine, state);
  lazy.resolve(key);
  const value = lazy.table.get(key);
  if (value === undefined || value === null) return absent(machine, state);
  if (typeof value === 'string') {
    const written = views.writeText(value);
    if (written >= 0) return written;
  }
  machine.pusher.push(state, value);
  return lazyStored;
}

function absent({ views }: Machine, state: number): number {
  views.pushNil(state);
  return lazyTaken;
}
