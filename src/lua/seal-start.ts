/** After the top level of a program has run: what calls start from is left, without garbage. */
import type { BaseImage } from './base-image.ts';
import type { LuaExports } from './instance.ts';
import { collectorLinks, globalDebt, globalObjects, globalTotalBytes, objectTag, stateGlobal, tags } from './layout.ts';
import type { MemoryViews } from './memory-views.ts';

/** The collector rests until a call has allocated this much. */
const collectorRest = 256 * 1024;

/** Writes the collector's debt: it starts when so many more bytes are allocated. */
export function restCollector(views: MemoryViews, state: number): void {
  const global = views.word(state + stateGlobal);
  const total = views.word(global + globalTotalBytes) + (views.i32[(global + globalDebt) >>> 2] ?? 0);
  views.u32[(global + globalTotalBytes) >>> 2] = total + collectorRest;
  views.i32[(global + globalDebt) >>> 2] = -collectorRest;
}

/**
 * Forgets in which order the collector visited objects: between two of its rounds nobody reads it, and it is another one with
 * each function.
 */
function clearCollectorLinks({ u8, u32 }: MemoryViews, global: number): void {
  for (let object = u32[(global + globalObjects) >>> 2] ?? 0; object !== 0; object = u32[object >>> 2] ?? 0) {
    const link = collectorLinks[(u8[object + objectTag] ?? 0) & 0x0f];
    if (link !== undefined) u32[(object + link) >>> 2] = 0;
  }
}

/** A machine, or what builds images. */
interface Memory {
  readonly exports: LuaExports;
  readonly views: MemoryViews;
}

/** After the start function has returned: leaves only handlers and expressions on the stack, without garbage. */
export function sealStart(
  { exports, views }: Memory,
  { thread, state, control }: Pick<BaseImage, 'thread' | 'state' | 'control'>,
): void {
  exports.lua_rotate(thread, 1, -3);
  exports.lua_settop(thread, -4);
  exports.lua_checkstack(state, 8);
  views.refresh();
  views.pushObject(state, control.collect, tags.luaFunction);
  const status = exports.lua_pcallk(state, 0, 0, 0, 0, 0);
  if (status !== 0) exports.lua_settop(state, -2);
  views.refresh();
  clearCollectorLinks(views, views.word(state + stateGlobal));
  restCollector(views, state);
  exports.mh_scrub(0);
}
