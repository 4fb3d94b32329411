/** Builds the image every call starts from: Lua's state, the allowed libraries, the sandbox's prelude, the host's functions. */
import { globals, libraries } from './environment.ts';
import { hostMark, type Callable } from './host-dispatch.ts';
import { capture } from './image.ts';
import { createInstance, type LuaExports } from './instance.ts';
import {
  breakPointer,
  debugRecord,
  globalDebt,
  globalTotalBytes,
  registryIndex,
  scratch,
  slotHost,
  slotSetMetatable,
  stateGlobal,
  tags,
} from './layout.ts';
import { MemoryViews } from './memory-views.ts';
import { sandboxPrelude } from './sandbox-prelude.ts';
import type { Prelude } from './types.ts';

/** The image and the addresses in it that the engine uses. */
export interface BaseImage {
  readonly low: Uint8Array;
  readonly lowWords: Uint32Array;
  readonly heap: Uint8Array;
  readonly heapWords: Uint32Array;
  /** End of the heap in the image, rounded up to whole blocks. */
  readonly heapEnd: number;
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
}

const controlNames = ['collect', 'compile', 'expression', 'start', 'text'] as const;
export type ControlName = (typeof controlNames)[number];

/** The collector rests until a call has allocated this much. */
export const collectorRest = 256 * 1024;
const lazySlotCount = 8;
/** Room for a chunk between the scratch area and any C stack the builder uses. */
const largestChunk = 512 * 1024;

/** Writes the collector's debt: it starts when so many more bytes are allocated. */
export function restCollector(views: MemoryViews, state: number): void {
  const global = views.word(state + stateGlobal);
  const total = views.word(global + globalTotalBytes) + (views.i32[(global + globalDebt) >>> 2] ?? 0);
  views.u32[(global + globalTotalBytes) >>> 2] = total + collectorRest;
  views.i32[(global + globalDebt) >>> 2] = -collectorRest;
}

/** A builder works on one instance through the C API, before any script has run. */
class Builder {
  readonly exports: LuaExports;
  readonly views: MemoryViews;
  readonly state: number;

  constructor(module: WebAssembly.Module) {
    const refuse = (): never => {
      throw new Error('a host function was called while the base image was built');
    };
    this.exports = createInstance(module, {
      fuelSync: () => 0x7fffffff,
      fuelAsync: () => Promise.resolve(0x7fffffff),
      host: refuse,
      hostContinue: refuse,
      refuseGc: refuse,
      address: () => 0,
      memoryOut: refuse,
    });
    this.views = new MemoryViews(this.exports);
    this.exports.__wasm_call_ctors();
    this.exports.mh_begin(0x7fffffff, -1);
    this.state = this.exports.luaL_newstate();
    this.exports.lua_checkstack(this.state, 100);
    this.views.refresh();
  }

  get top(): number {
    return this.exports.lua_gettop(this.state);
  }

  /** Address of the object on the stack, counted from the top (−1). */
  object(index: number): number {
    return this.views.word(this.views.top(this.state) + index * 16);
  }

  /** A string ended by zero in the scratch area. */
  cString(text: string, at: number): number {
    this.views.u8.set(Buffer.from(`${text}\0`), at);
    return at;
  }

  openLibraries(): void {
    const { exports, state } = this;
    const table = exports.__indirect_function_table;
    const slotOf = (name: string): number => {
      const open = (exports as unknown as Record<string, unknown>)[name];
      for (let slot = 1; slot < table.length; slot += 1) if (table.get(slot) === open) return slot;
      throw new Error(`The Lua binary has no ${name}`);
    };
    for (const [name, open] of [
      ['_G', 'luaopen_base'],
      ['coroutine', 'luaopen_coroutine'],
      ['table', 'luaopen_table'],
      ['string', 'luaopen_string'],
      ['math', 'luaopen_math'],
      ['utf8', 'luaopen_utf8'],
    ] as const) {
      exports.luaL_requiref(state, this.cString(name, scratch), slotOf(open), 1);
      exports.lua_settop(state, -2);
    }
    this.views.refresh();
  }

  /** Loads a chunk; leaves the function. The bytes lie in the idle C stack, so that the heap gets no hole where they were. */
  load(name: string, chunk: Uint8Array, mode: 'b' | 't'): void {
    const { exports, state, views } = this;
    if (chunk.length > largestChunk) throw new Error(`prelude ${name} is larger than ${largestChunk} bytes`);
    views.u8.set(chunk, scratch);
    const title = this.cString(`=${name}`, debugRecord);
    const status = exports.luaL_loadbufferx(state, scratch, chunk.length, title, this.cString(mode, debugRecord - 16));
    views.refresh();
    views.u8.fill(0, scratch, scratch + chunk.length);
    if (status !== 0) throw new Error(`prelude ${name}: ${this.text(-1)}`);
  }

  text(index: number): string {
    const { views } = this;
    const address = views.top(this.state) + index * 16;
    const [start, end] = views.stringRange(views.word(address), views.tag(address));
    return views.decode(start, end) ?? '(binary)';
  }

  call(args: number, results: number, what: string): void {
    const status = this.exports.lua_pcallk(this.state, args, results, 0, 0, 0);
    this.views.refresh();
    if (status !== 0) throw new Error(`${what}: ${this.text(-1)}`);
  }

  pushText(text: string): void {
    this.views.pushText(this.state, text);
  }

  newTable(): void {
    this.exports.lua_createtable(this.state, 0, 0);
    this.views.refresh();
  }

  /** table[name] = value on top, for the table at `index`. */
  setField(index: number, name: string): void {
    this.pushText(name);
    this.exports.lua_rotate(this.state, -2, 1);
    this.exports.lua_rawset(this.state, index < 0 ? index - 1 : index);
    this.views.refresh();
  }

  getField(index: number, name: string): void {
    this.pushText(name);
    this.exports.lua_rawget(this.state, index < 0 ? index - 1 : index);
    this.views.refresh();
  }

  pop(count: number): void {
    this.exports.lua_settop(this.state, -1 - count);
  }
}

/** Copies what the allow list names from Lua's own globals (at `raw`) to the environment (at `env`). */
function copyAllowed(builder: Builder, raw: number, env: number): void {
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
function placeFunctions(builder: Builder, functions: readonly Callable<never>[], host: number, env: number): void {
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

/** Compiles preludes in an instance of their own and strips debug information: the image holds no trace of the parser. */
function compilePreludes(module: WebAssembly.Module, preludes: readonly Prelude[]): ReadonlyMap<string, Uint8Array> {
  const builder = new Builder(module);
  const { exports, state, views } = builder;
  builder.openLibraries();
  exports.lua_rawgeti(state, registryIndex, 2n);
  builder.getField(1, 'string');
  builder.getField(-1, 'dump');
  const dump = builder.top;
  const chunks = new Map<string, Uint8Array>();
  for (const { name, source } of preludes) {
    exports.lua_pushvalue(state, dump);
    builder.load(name, Buffer.from(source), 't');
    views.pushBoolean(state, true);
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
  const builder = new Builder(module);
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
  return seal(builder, { raw, marks, control }, setmetatableSlot);
}

interface Places {
  readonly raw: number;
  readonly marks: number;
  readonly control: number;
}

/** Anchors what calls need, drops the rest, collects garbage and copies the memory. */
function seal(builder: Builder, places: Places, setmetatableSlot: number): BaseImage {
  const { exports, state, views } = builder;
  const mark = (name: string): number => {
    builder.getField(places.marks, name);
    const object = builder.object(-1);
    builder.pop(1);
    return object;
  };
  const lazy = mark('lazy');
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
  restCollector(views, state);
  checkLayout(builder);
  const heapEnd = views.word(breakPointer);
  return {
    ...capture(views.u8, heapEnd),
    state,
    thread,
    array: mark('array'),
    object: mark('object'),
    lazy,
    lazySlots,
    control,
    setmetatableSlot,
  };
}

/** Reads values through the views and through the C API: a binary with another layout ends here. */
function checkLayout(builder: Builder): void {
  const { exports, state, views } = builder;
  const before = builder.top;
  builder.pushText('layout');
  views.pushNumber(state, -5);
  views.pushNumber(state, 0.5);
  const base = views.argumentBase(state);
  const short = views.word(views.top(state) - 48);
  const counted = (views.top(state) - base) / 16 - 1;
  const good =
    counted === before + 3 &&
    views.keyText(short, views.tag(views.top(state) - 48)) === 'layout' &&
    views.integer(views.top(state) - 32) === -5 &&
    exports.mh_topointer(state, -3) === short &&
    builder.text(-3) === 'layout';
  builder.pop(3);
  if (!good) throw new Error('The Lua binary has another memory layout than expected');
}
