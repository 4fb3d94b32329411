/** Makes an instance of the metered Lua module with imports of our own: no files, no environment, no clock. */
import { MachineEnd } from './ends.ts';
import { initialPages, maximumPages, pageBytes } from './layout.ts';

/** What the module asks of its host while it runs. */
export interface InstanceHost {
  /** Fuel is used up: more fuel, 0 to suspend (sliced entries only), or throws a MachineEnd. */
  fuelSync(): number;
  fuelAsync(): Promise<number>;
  host(state: number): number;
  hostContinue(state: number, operation: number): number;
  /** A field of a lazy table is read for the first time: how many bytes of text lie in the scratch area, or `lazy…`. */
  lazyField(state: number): number;
  refuseGc(state: number): void;
  /** The number shown instead of an address. */
  address(pointer: number): number;
  memoryOut(): never;
}

/** The exports the engine uses; 64-bit integers cross as bigint. */
export interface LuaExports {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  luaL_newstate(): number;
  luaL_requiref(state: number, name: number, open: number, global: number): void;
  luaL_where(state: number, level: number): void;
  luaL_traceback(state: number, of: number, message: number, level: number): void;
  luaL_loadbufferx(state: number, text: number, length: number, name: number, mode: number): number;
  lua_newthread(state: number): number;
  lua_gettop(state: number): number;
  lua_settop(state: number, index: number): void;
  lua_copy(state: number, from: number, to: number): void;
  lua_pushvalue(state: number, index: number): void;
  lua_rotate(state: number, index: number, count: number): void;
  lua_checkstack(state: number, count: number): number;
  lua_pushcclosure(state: number, slot: number, upvalues: number): void;
  lua_pushlstring(state: number, bytes: number, length: number): number;
  lua_createtable(state: number, items: number, fields: number): void;
  lua_rawset(state: number, index: number): void;
  lua_rawseti(state: number, index: number, key: bigint): void;
  lua_rawget(state: number, index: number): number;
  lua_rawgeti(state: number, index: number, key: bigint): number;
  lua_setmetatable(state: number, index: number): number;
  lua_xmove(from: number, to: number, count: number): void;
  lua_concat(state: number, count: number): void;
  lua_pcallk(state: number, args: number, results: number, handler: number, context: number, next: number): number;
  lua_isyieldable(state: number): number;
  lua_tocfunction(state: number, index: number): number;
  lua_getstack(state: number, level: number, record: number): number;
  lua_getinfo(state: number, what: number, record: number): number;
  luaL_tolstring(state: number, index: number, length: number): number;
  mh_begin(fuel: number, limit: number): void;
  mh_resume(state: number, args: number, sliced: number): number;
  /** Runs the `__close` handlers of a thread that ended by an error. */
  mh_close(state: number, sliced: number): number;
  mh_set_limit(limit: number): void;
  mh_set_fuel(fuel: number): void;
  mh_get_fuel(): number;
  /** The highest end of the heap since the last reset, kept outside the memory. */
  mh_high(): number;
  mh_reset_high(): void;
  mh_set_setmetatable(slot: number): void;
  mh_stop_slicing(): void;
  mh_stack(): number;
  mh_topointer(state: number, index: number): number;
  /** Bytes Lua uses beyond what it used at `mh_begin`, or at `mh_set_live` with what it used then; and the most it did. */
  mh_live(): number;
  mh_set_live(bytes: number): void;
  mh_peak(): number;
  /** Keeps new objects of these kinds (bits, by Lua's type; 0: vectors) apart from the heap; and where they end. */
  mh_still(kinds: number): void;
  mh_still_end(): number;
  /** Not 0: what Lua frees is overwritten with zeros, until the next `mh_begin`. */
  mh_scrub(on: number): void;
  /** Not 0: the collector has worked since `mh_begin`. */
  mh_collected(): number;
  /** Writes the runs of what differs from an image to `out` in the memory of images; gives their end. */
  mh_difference(from: number, image: number, bytes: number, out: number): number;
}

/** Memory grows by at least this much at a time. */
const growthPages = 16;

function refuse(name: string): () => never {
  return () => {
    throw new MachineEnd('defect', `the Lua library asked for ${name}, which does not exist here`);
  };
}

/** Instantiates the module over a memory that holds images, which Lua cannot reach; takes about 0.2 ms. */
export function createInstance(module: WebAssembly.Module, host: InstanceHost, images: WebAssembly.Memory): LuaExports {
  const memory = new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages });
  const grow = (bytes: number): number => {
    const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
    try {
      memory.grow(Math.max(missing, growthPages));
      return 1;
    } catch {
      return 0; // Lua sees a failed allocation.
    }
  };
  const stubs = (names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(names.map((name) => [name, refuse(name)]));
  const imports = {
    env: {
      memory,
      images,
      ...stubs(
        (
          'abort strftime system exit __syscall_openat __syscall_fcntl64 __syscall_ioctl __syscall_dup3 _mktime_js ' +
          '_localtime_js _gmtime_js __syscall_unlinkat __syscall_rmdir __syscall_renameat __syscall_readlinkat _tzset_js'
        ).split(' '),
      ),
      // Only the seed of the string hash and of math.random asks: constants keep every base image equal.
      emscripten_date_now: () => 0,
      _emscripten_get_now_is_monotonic: () => 1,
      emscripten_resize_heap: grow,
      fuel_sync: () => host.fuelSync(),
      fuel_async: new WebAssembly.Suspending(() => host.fuelAsync()),
      host: (state: number) => host.host(state),
      host_continue: (state: number, operation: number) => host.hostContinue(state, operation),
      lazy_field: (state: number) => host.lazyField(state),
      refuse_gc: (state: number) => host.refuseGc(state),
      address: (pointer: number) => host.address(pointer),
      memory_out: () => host.memoryOut(),
    },
    wasi_snapshot_preview1: {
      ...stubs('fd_write fd_read fd_close fd_seek'.split(' ')),
      // Asked once at start: an empty environment.
      environ_sizes_get: (count: number, bytes: number) => {
        new Uint32Array(memory.buffer, count, 1)[0] = 0;
        new Uint32Array(memory.buffer, bytes, 1)[0] = 0;
        return 0;
      },
      environ_get: () => 0,
    },
  };
  return new WebAssembly.Instance(module, imports).exports as unknown as LuaExports;
}
