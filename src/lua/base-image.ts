/** Builds the image every call starts from: Lua's state, the allowed libraries, the sandbox's prelude, the host's functions. */
import { createHash } from 'node:crypto';
import { globals, libraries } from './environment.ts';
import { hostMark, type Callable } from './host-dispatch.ts';
import { capture, layGrounds, type Ground } from './image.ts';
import { checkLayout, ImageBuilder } from './image-builder.ts';
import {
  breakPointer,
  globalObjects,
  globalStringSlots,
  objectNext,
  objectTag,
  registryIndex,
  slotHost,
  slotLazyField,
  slotSetMetatable,
  stateGlobal,
  tags,
} from './layout.ts';
import { loadGround, smallFunction } from './loaded-ground.ts';
import { sandboxPrelude } from './sandbox-prelude.ts';
import { restCollector } from './seal-start.ts';
import type { Prelude } from './types.ts';

/** The image and the addresses in it that the engine uses. */
export interface BaseImage extends Ground {
  /** With a small function loaded: what differs from this is half of what differs from the image without one. */
  readonly loaded: Ground;
  /** SHA-256 of the bytes: images of functions fit over equal ones only. */
  readonly digest: string;
  /** The main lua_State. */
  readonly state: number;
  /** The thread every call runs on. */
  readonly thread: number;
  readonly array: number;
  readonly object: number;
  readonly lazy: number;
  /** Empty lazy tables for the first ones of a call. */
  readonly lazySlots: readonly number[];
  /** Functions of the prelude's control table, by name. */
  readonly control: Readonly<Record<ControlName, number>>;
  /** Original `setmetatable`, for the checked one. */
  readonly setmetatableSlot: number;
  /** Growth beyond counts against the limit of a call: the first kilobytes, for the names and the handler of a function, do not. */
  readonly heapFloor: number;
  /** Where the size of the table of strings is kept. */
  readonly stringSlots: number;
}

const controlNames = ['collect', 'compile', 'expression', 'start', 'text'] as const;
export type ControlName = (typeof controlNames)[number];

const lazySlotCount = 8;
const freeHeapBytes = 32 * 1024;

/** Copies what the allow list names from Lua's own globals (at `raw`) to the environment (at `env`). */
function copyAllowed(builder: ImageBuilder, raw: number, env: number): void {
  for (const name of globals) {
    builder.getField(raw, name);
    builder.setField(env, name);
  }
  for (const [library, members] of Object.entries(libraries)) {
    builder.newTable();
    for (const name of members) {
      builder.getField(raw, library);
      builder.getField(-1, name);
      builder.exports.lua_rotate(builder.state, -2, 1);
      builder.pop(1);
      builder.setField(-2, name);
    }
    builder.setField(env, library);
  }
}

/** Puts the host's functions in place: `crypto.sha256` becomes a field of `crypto`. */
function placeFunctions(builder: ImageBuilder, functions: readonly Callable<never>[], host: number, env: number): void {
  const { exports, state, views } = builder;
  for (const [number, entry] of functions.entries()) {
    views.pushNumber(state, number);
    exports.lua_pushcclosure(state, slotHost, 1);
    views.refresh();
    exports.lua_pushvalue(state, -1);
    builder.setField(host, entry.name);
    if (entry.name.startsWith('engine.')) {
      builder.pop(1);
      continue;
    }
    const parts = entry.name.split('.');
    const last = parts.pop() ?? entry.name;
    exports.lua_pushvalue(state, env);
    for (const part of parts) {
      builder.getField(-1, part);
      if (views.tag(views.top(state) - 16) === tags.nil) {
        builder.pop(1);
        builder.newTable();
        exports.lua_pushvalue(state, -1);
        builder.setField(-3, part);
      }
      exports.lua_rotate(state, -2, 1);
      builder.pop(1);
    }
    exports.lua_rotate(state, -2, 1);
    builder.setField(-2, last);
    builder.pop(1);
  }
}

/**
 * Compiles in an instance of its own: the image holds no trace of the parser. Preludes are stripped of debug information,
 * the small function is as users' functions are.
 */
function compilePreludes(module: WebAssembly.Module, preludes: readonly Prelude[]): ReadonlyMap<string, Uint8Array> {
  const builder = new ImageBuilder(module);
  const { exports, state, views } = builder;
  builder.openLibraries();
  exports.lua_rawgeti(state, registryIndex, 2n);
  builder.getField(1, 'string');
  builder.getField(-1, 'dump');
  const dump = builder.top;
  const chunks = new Map<string, Uint8Array>();
  for (const prelude of [...preludes, smallFunction]) {
    const { name, source } = prelude;
    exports.lua_pushvalue(state, dump);
    builder.load(name, Buffer.from(source), 't');
    views.pushBoolean(state, prelude !== smallFunction);
    builder.call(2, 1, `prelude ${name}`);
    const address = views.top(state) - 16;
    const [start, end] = views.stringRange(views.word(address), views.tag(address));
    chunks.set(name, views.u8.slice(start, end));
    builder.pop(1);
  }
  return chunks;
}

/** Builds the image. The same module, functions and preludes give the same bytes in every process. */
export function buildBaseImage(
  module: WebAssembly.Module,
  functions: readonly Callable<never>[],
  preludes: readonly Prelude[],
  requirable: ReadonlyMap<string, string>,
): BaseImage {
  const chunks = compilePreludes(module, [{ name: 'sandbox', source: sandboxPrelude }, ...preludes]);
  const builder = new ImageBuilder(module, true);
  const { exports, state, views } = builder;
  builder.openLibraries();
  // The stack of the main state keeps what must live: 1 raw globals, 2 environment, 3 host, 4 marks.
  exports.lua_rawgeti(state, registryIndex, 2n);
  views.refresh();
  builder.newTable();
  builder.newTable();
  builder.newTable();
  const [raw, env, host, marks] = [1, 2, 3, 4];
  builder.getField(raw, 'setmetatable');
  const setmetatableSlot = exports.lua_tocfunction(state, -1);
  builder.pop(1);
  exports.mh_set_setmetatable(setmetatableSlot);
  exports.lua_pushcclosure(state, slotSetMetatable, 0);
  views.refresh();
  builder.setField(raw, 'setmetatable');
  copyAllowed(builder, raw, env);
  exports.lua_pushvalue(state, env);
  builder.setField(env, '_G');
  placeFunctions(builder, functions, host, env);
  exports.lua_pushcclosure(state, slotLazyField, 0);
  views.refresh();
  builder.setField(host, 'engine.lazy_field');
  for (const name of ['array', 'object', 'lazy']) {
    builder.newTable();
    builder.setField(marks, name);
  }
  views.pushNull(state);
  builder.setField(marks, 'null');
  // load of Lua takes its default environment from here.
  exports.lua_pushvalue(state, env);
  exports.lua_rawseti(state, registryIndex, 2n);
  views.refresh();

  const stripped = (name: string): void => builder.load(name, chunks.get(name) ?? new Uint8Array(), 'b');
  stripped('sandbox');
  for (const index of [raw, env, host]) exports.lua_pushvalue(state, index);
  views.refresh();
  views.pushLight(state, hostMark);
  exports.lua_pushvalue(state, marks);
  views.refresh();
  builder.call(5, 1, 'sandbox');
  const control = builder.top;
  for (const prelude of preludes) {
    stripped(prelude.name);
    for (const index of [host, env, marks]) exports.lua_pushvalue(state, index);
    views.refresh();
    builder.call(3, 0, `prelude ${prelude.name}`);
  }
  for (const [name, global] of requirable) {
    builder.getField(control, 'alias');
    builder.pushText(name);
    builder.pushText(global);
    builder.call(2, 0, `requirable ${name}`);
  }
  const code = chunks.get(smallFunction.name) ?? new Uint8Array();
  return seal(builder, { raw, marks, control }, setmetatableSlot, code);
}

interface Places {
  readonly raw: number;
  readonly marks: number;
  readonly control: number;
}

/** A long string has its hash written into it when it is first a key: all are, once, before they are kept still. */
function hashLongStrings({ exports, state, views }: ImageBuilder): void {
  exports.lua_createtable(state, 0, 0);
  views.refresh();
  const first = views.word(views.word(state + stateGlobal) + globalObjects);
  for (let object = first; object !== 0; object = views.word(object + objectNext)) {
    if ((views.byte(object + objectTag) & 0x3f) !== tags.longString) continue;
    views.pushObject(state, object, tags.longString);
    views.pushBoolean(state, true);
    exports.lua_rawset(state, -3);
    views.refresh();
  }
  exports.lua_settop(state, -2);
}

/** Anchors what calls need, drops the rest, collects garbage and copies the memory, without and with a function. */
function seal(builder: ImageBuilder, places: Places, setmetatableSlot: number, code: Uint8Array): BaseImage {
  const { exports, state, views } = builder;
  const mark = (name: string): number => {
    builder.getField(places.marks, name);
    const object = builder.object(-1);
    builder.pop(1);
    return object;
  };
  const [array, object, lazy] = [mark('array'), mark('object'), mark('lazy')];
  const lazySlots: number[] = [];
  for (let count = 0; count < lazySlotCount; count += 1) {
    // With room for the usual fields: the first ones stored need no allocation.
    exports.lua_createtable(state, 0, 8);
    views.refresh();
    const table = builder.object(-1);
    views.setMetatable(table, lazy);
    lazySlots.push(table);
  }
  const control = {} as Record<ControlName, number>;
  for (const name of controlNames) {
    builder.getField(places.control, name);
    control[name] = builder.object(-1);
    builder.pop(1);
  }
  const thread = exports.lua_newthread(state);
  views.refresh();
  builder.getField(places.raw, 'collectgarbage');
  const collect = builder.top;
  const drop = (index: number): void => {
    views.pushNil(state);
    exports.lua_copy(state, -1, index);
    builder.pop(1);
  };
  // Only the control functions hold on to Lua's own globals and the host table.
  for (const index of [places.raw, 3]) drop(index);
  for (let round = 0; round < 2; round += 1) {
    exports.lua_pushvalue(state, collect);
    builder.call(0, 0, 'collectgarbage');
  }
  builder.pop(1);
  hashLongStrings(builder);
  builder.endStill();
  restCollector(views, state);
  checkLayout(builder);
  const heapEnd = views.word(breakPointer);
  const captured = capture(views.u8, exports.mh_still_end(), heapEnd);
  const { bare, loaded } = layGrounds({
    bare: captured,
    loaded: loadGround(builder, { state, thread, control }, code),
  });
  const digest = createHash('sha256');
  for (const { low, still, heap } of [bare, loaded]) digest.update(low).update(still).update(heap);
  return {
    ...bare,
    loaded,
    digest: digest.digest('hex'),
    state,
    thread,
    array,
    object,
    lazy,
    lazySlots,
    control,
    setmetatableSlot,
    heapFloor: bare.heapEnd + freeHeapBytes,
    stringSlots: views.word(state + stateGlobal) + globalStringSlots,
  };
}
