/** Works on one instance through the C API before any script has run: libraries, tables, chunks. */
import { createInstance, type InstanceHost, type LuaExports } from './instance.ts';
import { debugRecord, scratch, stillBytes, stillStart } from './layout.ts';
import { MemoryViews } from './memory-views.ts';

/** Room for a chunk between what is kept below and any C stack the builder uses. */
const chunkStart = stillStart + stillBytes;
const largestChunk = 512 * 1024;

/** Types whose objects never change once they are made: strings, functions, prototypes; and vectors, those of prototypes. */
const stillObjects = (1 << 4) | (1 << 6) | (1 << 10);
const vectors = 1;

/** Builds images; every host import refuses. */
export class ImageBuilder {
  readonly exports: LuaExports;
  readonly views: MemoryViews;
  readonly state: number;
  #still = 0;

  /** `still`: strings, prototypes and closures go apart from the heap until `endStill`. Text cannot be compiled then. */
  constructor(module: WebAssembly.Module, still = false) {
    const refuse = (): never => {
      throw new Error('a host function was called while the base image was built');
    };
    const host: InstanceHost = {
      fuelSync: () => 0x7fffffff,
      fuelAsync: () => Promise.resolve(0x7fffffff),
      host: refuse,
      hostContinue: refuse,
      lazyField: refuse,
      refuseGc: refuse,
      address: () => 0,
      memoryOut: refuse,
    };
    this.exports = createInstance(module, host, new WebAssembly.Memory({ initial: 0 }));
    this.views = new MemoryViews(this.exports);
    this.exports.__wasm_call_ctors();
    this.exports.mh_begin(0x7fffffff, -1);
    if (still) this.#still = stillObjects;
    this.exports.mh_still(this.#still);
    // Garbage of the ground would be found again in the difference of each function whose own lies elsewhere.
    this.exports.mh_scrub(1);
    this.state = this.exports.luaL_newstate();
    this.exports.lua_checkstack(this.state, 100);
    this.views.refresh();
  }

  /** What is made from here on is in the heap. */
  endStill(): void {
    this.#still = 0;
    this.exports.mh_still(0);
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
    views.u8.set(chunk, chunkStart);
    const title = this.cString(`=${name}`, debugRecord);
    if (this.#still !== 0) exports.mh_still(this.#still | vectors);
    const how = this.cString(mode, debugRecord - 16);
    const status = exports.luaL_loadbufferx(state, chunkStart, chunk.length, title, how);
    exports.mh_still(this.#still);
    views.refresh();
    views.u8.fill(0, chunkStart, chunkStart + chunk.length);
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

/** Reads values through the views and through the C API: a binary with another layout ends here. */
export function checkLayout(builder: ImageBuilder): void {
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
