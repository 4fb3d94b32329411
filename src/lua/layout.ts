/** Addresses and offsets inside the memory of wasmoon 1.16.0's Lua binary (Lua 5.4, wasm32); `base-image.ts` checks them at start. */

/** Constants of the rewrite live below the binary's own data, which begins at 1024. */
export const lowStart = 512;
/** `"__gc"` for the checked `setmetatable`. */
export const gcName = 512;
/** End of the binary's data: the C stack's lower end. */
export const lowEnd = 35136;
/** Out parameters of the C API (4 bytes each) and one lua_Debug. */
export const outCount = 35200;
export const debugRecord = 35264;
/** Bytes on their way into Lua. The C stack never grows down to here: Lua's own depth limits end it long before. */
export const scratch = 36864;
export const scratchBytes = 65536;
/**
 * Objects of the image that never change while no garbage is collected: strings, prototypes, closures. They lie below the C
 * stack, apart from the heap, so that a restore can leave them out.
 */
export const stillStart = scratch + scratchBytes;
export const stillBytes = 65536;
export const stackTop = 1083712;
export const heapBase = 1083712;
/** Holds the address where the heap ends (musl's `sbrk` pointer). */
export const breakPointer = 31452;
export const pageBytes = 65536;
/** Pages a fresh instance starts with (data, C stack and about 0.9 MiB of heap), and the most there can be. */
export const initialPages = 32;
export const maximumPages = 32768;

export const registryIndex = -1001000;

/** Table slots added by the rewrite. */
export const slotHost = 198;
export const slotContinue = 199;
export const slotSetMetatable = 200;
export const slotLazyField = 201;
export const tableSlots = 202;

/** lua_State */
export const stateTop = 12;
export const stateGlobal = 16;
export const stateFrame = 20;
/** global_State */
export const globalTotalBytes = 8;
export const globalDebt = 12;
export const globalStringSlots = 32;
export const globalObjects = 88;
/** Collectable object */
export const objectNext = 0;
export const objectTag = 4;
/** Where the collector strings together what it still has to visit, by type. */
export const collectorLinks: Readonly<Record<number, number>> = { 5: 28, 6: 8, 8: 40, 10: 80 };
/** CallInfo */
export const frameFunction = 0;
/** TValue: 8 bytes of value, then the tag; 16 bytes in all. */
export const valueBytes = 16;
export const valueTag = 8;
/** C closure */
export const closureUpvalues = 16;
/** TString */
export const stringShortLength = 7;
export const stringHash = 8;
export const stringLongLength = 12;
export const stringBytes = 16;
/** Table */
export const tableFlags = 6;
export const tableNodeBits = 7;
export const tableArrayLimit = 8;
export const tableArray = 12;
export const tableNodes = 16;
export const tableMetatable = 24;
/** Node: value (8), its tag, the key's tag, offset of the next node (4), the key (8). */
export const nodeBytes = 24;
export const nodeKeyTag = 9;
export const nodeKey = 16;

/** Tags, without the collectable bit (64). */
export const tags = {
  nil: 0x00,
  empty: 0x10,
  absent: 0x20,
  false: 0x01,
  true: 0x11,
  lightUserdata: 0x02,
  integer: 0x03,
  float: 0x13,
  shortString: 0x04,
  longString: 0x14,
  table: 0x05,
  luaFunction: 0x06,
  lightFunction: 0x16,
  cFunction: 0x26,
  userdata: 0x07,
  thread: 0x08,
} as const;

/** Answers of the import `lazy_field` below 0: raise what is on top, store what is on top, take what is on top as it is. */
export const lazyRaised = -1;
export const lazyStored = -2;
export const lazyTaken = -3;

export const statusOk = 0;
export const statusYield = 1;
/** Below this the binary's data is constant (tables, messages): only memory corruption could change it. */
export const writableStart = 30720;
