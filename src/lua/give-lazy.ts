/** Gives lazy tables to Lua: an empty table now, its fields when Lua asks for them or all at once. */
import { LazyStates, LazyState } from './lazy-tables.ts';
import { MachineEnd } from './ends.ts';
import { tags } from './layout.ts';
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
