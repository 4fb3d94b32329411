/** Typed views of one instance's memory, renewed when it has grown, with the reads and writes of Lua values they allow. */
import { isAscii, isUtf8 } from 'node:buffer';
import type { LuaExports } from './instance.ts';
import {
  scratch,
  scratchBytes,
  stateFrame,
  stateTop,
  stringBytes,
  stringHash,
  stringLongLength,
  stringShortLength,
  tableMetatable,
  tags,
  valueBytes,
  valueTag,
} from './layout.ts';

interface CachedKey {
  readonly hash: number;
  readonly length: number;
  readonly text: string;
}

/** Conversions of Node's Buffer that its types leave out. */
interface FastBuffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number, length: number): number;
}

const zeros = new Uint8Array(16384);
const cachedKeys = 4096;
/** Up to so many bytes are looked at one by one. */
const shortText = 64;
/** From so many bytes on a native call is quicker than making the text of characters. */
const nativeText = 13;

/** Views and raw access. Addresses come from Lua's memory and may be anything: reads outside it give 0 or throw nothing. */
export class MemoryViews {
  readonly exports: LuaExports;
  u8: Uint8Array;
  u32: Uint32Array;
  i32: Int32Array;
  f64: Float64Array;
  i64: BigInt64Array;
  /** The highest byte of the scratch area that was used since it was last cleared. */
  scratchUsed = 0;
  #buffer: FastBuffer;
  readonly #keys = new Map<number, CachedKey>();

  constructor(exports: LuaExports) {
    this.exports = exports;
    const { buffer } = exports.memory;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.#buffer = Buffer.from(buffer) as unknown as FastBuffer;
  }

  /** To be called after anything that may have grown the memory (which detaches its buffer). */
  refresh(): void {
    if (this.u8.length !== 0) return;
    const { buffer } = this.exports.memory;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.#buffer = Buffer.from(buffer) as unknown as FastBuffer;
  }

  word(address: number): number {
    return this.u32[address >>> 2] ?? 0;
  }

  byte(address: number): number {
    return this.u8[address] ?? 0;
  }

  /** The tag of a value without its collectable bit. */
  tag(address: number): number {
    return (this.u8[address + valueTag] ?? 0) & 0x3f;
  }

  /** Bytes of a string object as [start, end); lengths beyond the memory are cut at its end. */
  stringRange(object: number, tag: number): [number, number] {
    const length =
      tag === tags.shortString ? this.byte(object + stringShortLength) : this.word(object + stringLongLength);
    const start = Math.min(object + stringBytes, this.u8.length);
    return [start, Math.min(start + length, this.u8.length)];
  }

  /** Text if the bytes are valid UTF-8, else undefined. */
  decode(start: number, end: number): string | undefined {
    const length = end - start;
    if (length > shortText) return this.#decodeLong(start, end);
    const { u8 } = this;
    let bits = 0;
    for (let at = start; at < end; at += 1) bits |= u8[at] ?? 0;
    if (bits > 127) return isUtf8(u8.subarray(start, end)) ? this.#buffer.utf8Slice(start, end) : undefined;
    if (length >= nativeText) return this.#buffer.latin1Slice(start, end);
    let text = '';
    let at = start;
    for (; at + 4 <= end; at += 4) {
      text += String.fromCharCode(u8[at] ?? 0, u8[at + 1] ?? 0, u8[at + 2] ?? 0, u8[at + 3] ?? 0);
    }
    for (; at < end; at += 1) text += String.fromCharCode(u8[at] ?? 0);
    return text;
  }

  #decodeLong(start: number, end: number): string | undefined {
    const bytes = this.#buffer.subarray(start, end);
    if (isAscii(bytes)) return this.#buffer.latin1Slice(start, end);
    return isUtf8(bytes) ? this.#buffer.utf8Slice(start, end) : undefined;
  }

  /** Text of a short string that is probably asked again: a table key. */
  keyText(object: number, tag: number): string | undefined {
    if (tag !== tags.shortString) {
      const [start, end] = this.stringRange(object, tag);
      return this.decode(start, end);
    }
    const hash = this.word(object + stringHash);
    const length = this.byte(object + stringShortLength);
    const cached = this.#keys.get(object);
    if (cached !== undefined && cached.hash === hash && cached.length === length) return cached.text;
    const [start, end] = this.stringRange(object, tag);
    const text = this.decode(start, end);
    if (text === undefined) return undefined;
    if (this.#keys.size >= cachedKeys) this.#keys.clear();
    this.#keys.set(object, { hash, length, text });
    return text;
  }

  /** Whether a stretch (of up to 16 KiB) holds only zeros. */
  isZero(start: number, length: number): boolean {
    return this.#buffer.compare(zeros, 0, length, start, start + length) === 0;
  }

  /** To be called when the memory changes hands: addresses mean other strings then. */
  forgetKeys(): void {
    this.#keys.clear();
  }

  setMetatable(table: number, metatable: number): void {
    this.u32[(table + tableMetatable) >>> 2] = metatable;
  }

  /** A Lua integer: number in the safe range, else bigint. */
  integer(address: number): number | bigint {
    const low = this.u32[address >>> 2] ?? 0;
    const high = this.i32[(address >>> 2) + 1] ?? 0;
    if (high >= -0x200000 && high < 0x200000) {
      const value = high * 0x100000000 + low;
      if (Number.isSafeInteger(value)) return value;
    }
    return this.i64[address >>> 3] ?? 0n;
  }

  /** Address of the function of the running frame and the number of its arguments. */
  argumentBase(state: number): number {
    return this.word(this.word(state + stateFrame));
  }

  top(state: number): number {
    return this.word(state + stateTop);
  }

  #advance(state: number): number {
    const at = this.top(state);
    this.u32[(state + stateTop) >>> 2] = at + valueBytes;
    return at;
  }

  pushNil(state: number): void {
    this.u8[this.#advance(state) + valueTag] = tags.nil;
  }

  pushBoolean(state: number, value: boolean): void {
    this.u8[this.#advance(state) + valueTag] = value ? tags.true : tags.false;
  }

  pushNull(state: number): void {
    this.pushLight(state, 0);
  }

  /** A light userdata: 0 is `json.null`, 1 marks yields to the host. */
  pushLight(state: number, value: number): void {
    const at = this.#advance(state);
    this.u32[at >>> 2] = value;
    this.u32[(at >>> 2) + 1] = 0;
    this.u8[at + valueTag] = tags.lightUserdata;
  }

  pushNumber(state: number, value: number): void {
    const at = this.#advance(state);
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.i64[at >>> 3] = BigInt(value);
      this.u8[at + valueTag] = tags.integer;
    } else {
      this.f64[at >>> 3] = value;
      this.u8[at + valueTag] = tags.float;
    }
  }

  pushInteger(state: number, value: bigint): void {
    const at = this.#advance(state);
    this.i64[at >>> 3] = BigInt.asIntN(64, value);
    this.u8[at + valueTag] = tags.integer;
  }

  /** A collectable object that stays reachable (from the image): copies the reference only. */
  pushObject(state: number, object: number, tag: number): void {
    const at = this.#advance(state);
    this.u32[at >>> 2] = object;
    this.u8[at + valueTag] = tag | 0x40;
  }

  /** A copy of the value at `address`, which stays reachable. */
  pushCopy(state: number, address: number): void {
    const to = this.#advance(state) >>> 2;
    const from = address >>> 2;
    const { u32 } = this;
    u32[to] = u32[from] ?? 0;
    u32[to + 1] = u32[from + 1] ?? 0;
    u32[to + 2] = u32[from + 2] ?? 0;
  }

  /** Writes a text to the scratch area; gives its length in bytes, -1: it does not fit. */
  writeText(text: string): number {
    const { length } = text;
    if (length <= 48) {
      const { u8 } = this;
      let at = 0;
      for (; at < length; at += 1) {
        const code = text.charCodeAt(at);
        if (code > 127) break;
        u8[scratch + at] = code;
      }
      if (at === length) {
        if (length > this.scratchUsed) this.scratchUsed = length;
        return length;
      }
    }
    if (length * 3 > scratchBytes) return -1;
    const written = this.#buffer.utf8Write(text, scratch, scratchBytes);
    if (written > this.scratchUsed) this.scratchUsed = written;
    return written;
  }

  pushText(state: number, text: string): void {
    const written = this.writeText(text);
    if (written < 0) {
      this.pushBytes(state, Buffer.from(text));
      return;
    }
    this.exports.lua_pushlstring(state, scratch, written);
    this.refresh();
  }

  pushBytes(state: number, bytes: Uint8Array): void {
    if (bytes.length <= scratchBytes) {
      this.u8.set(bytes, scratch);
      if (bytes.length > this.scratchUsed) this.scratchUsed = bytes.length;
      this.exports.lua_pushlstring(state, scratch, bytes.length);
      this.refresh();
      return;
    }
    // A long string has no hash yet: made from whatever lies at the low end (never past the memory, which by then holds
    // the string itself) and filled in place, it is written once instead of copied through a buffer.
    const start = this.exports.lua_pushlstring(state, 0, bytes.length);
    this.refresh();
    this.u8.set(bytes, start);
  }
}
