/** Arguments of a host call, read from the frame of the running C function. */
import { formatBytes } from './format-bytes.ts';
import { tags, valueBytes } from './layout.ts';
import type { MemoryViews } from './memory-views.ts';
import { ReadBudget, typeName, type ValueReader } from './read-value.ts';
import { LuaRaise, type HostArguments, type LuaValue } from './types.ts';

/** Bytes one argument may bring across; the memory limit of the call is far below on most functions. */
const argumentBytes = 64 * 1024 * 1024;

/** A text that is no body: a key, a name, a URL. Decoding more would hold the thread. */
const textBytes = 1024 * 1024;

/** As Lua's own conversion: a longer string is no number. */
const numeralBytes = 200;

/** One object per machine, aimed at the frame of each host call in turn. */
export class FrameArguments implements HostArguments {
  count = 0;
  #name = '';
  #base = 0;
  readonly #views: MemoryViews;
  readonly #reader: ValueReader;

  constructor(views: MemoryViews, reader: ValueReader) {
    this.#views = views;
    this.#reader = reader;
  }

  /** Aims at the frame of `state`. */
  aim(state: number, name: string): void {
    const views = this.#views;
    this.#base = views.argumentBase(state);
    this.#name = name;
    this.count = Math.max(0, Math.min(255, ((views.top(state) - this.#base) >> 4) - 1));
  }

  /** After the call: reads find no arguments. */
  release(): void {
    this.count = 0;
  }

  address(position: number): number {
    return this.#base + position * valueBytes;
  }

  #tag(position: number): number {
    return position > this.count || position < 1 ? tags.nil : this.#views.tag(this.address(position));
  }

  type(position: number): ReturnType<HostArguments['type']> {
    return typeName(this.#tag(position));
  }

  fail(position: number, reason: string): never {
    const short = this.#name.slice(this.#name.lastIndexOf('.') + 1);
    throw new LuaRaise(`bad argument #${position} to '${short}' (${reason})`);
  }

  #expected(position: number, wanted: string): never {
    const got = position > this.count ? 'no value' : this.type(position);
    return this.fail(position, `${wanted} expected, got ${got}`);
  }

  #numberText(position: number, tag: number): string | undefined {
    const at = this.address(position);
    if (tag === tags.integer) return String(this.#views.integer(at));
    if (tag !== tags.float) return undefined;
    return floatText(this.#views.f64[at >>> 3] ?? 0);
  }

  text(position: number, maxBytes = textBytes): string {
    const tag = this.#tag(position);
    if (tag === tags.shortString || tag === tags.longString) {
      const [start, end] = this.#views.stringRange(this.#views.word(this.address(position)), tag);
      if (end - start > maxBytes) this.fail(position, `longer than ${formatBytes(maxBytes)}`);
      return this.#views.decode(start, end) ?? this.fail(position, 'the string is not valid UTF-8');
    }
    return this.#numberText(position, tag) ?? this.#expected(position, 'string');
  }

  bytes(position: number): Uint8Array {
    const tag = this.#tag(position);
    if (tag === tags.shortString || tag === tags.longString) {
      const [start, end] = this.#views.stringRange(this.#views.word(this.address(position)), tag);
      return this.#views.u8.slice(start, end);
    }
    const text = this.#numberText(position, tag);
    return text === undefined ? this.#expected(position, 'string') : Buffer.from(text);
  }

  number(position: number): number {
    const tag = this.#tag(position);
    const at = this.address(position);
    if (tag === tags.integer) return Number(this.#views.integer(at));
    if (tag === tags.float) return this.#views.f64[at >>> 3] ?? 0;
    if (tag === tags.shortString || tag === tags.longString) {
      const [start, end] = this.#views.stringRange(this.#views.word(at), tag);
      const text = end - start > numeralBytes ? '' : this.text(position).trim();
      const value = text === '' ? Number.NaN : Number(text);
      if (!Number.isNaN(value)) return value;
    }
    return this.#expected(position, 'number');
  }

  integer(position: number): number {
    const value = this.number(position);
    if (!Number.isSafeInteger(value)) this.fail(position, 'number has no integer representation');
    return value;
  }

  boolean(position: number): boolean {
    const tag = this.#tag(position);
    return (tag & 0x0f) !== 0 && tag !== tags.false;
  }

  value(position: number): LuaValue {
    if (position > this.count || position < 1) return undefined;
    try {
      return this.#reader.read(this.address(position), new ReadBudget(argumentBytes));
    } catch (error) {
      if (error instanceof LuaRaise) this.fail(position, error.message);
      throw error;
    }
  }

  optionalText(position: number, maxBytes = textBytes): string | undefined {
    return (this.#tag(position) & 0x0f) === 0 ? undefined : this.text(position, maxBytes);
  }

  optionalNumber(position: number): number | undefined {
    return (this.#tag(position) & 0x0f) === 0 ? undefined : this.number(position);
  }
}

/** A float as `tostring` of Lua shows it (`%.14g`, with `.0` where it looks like an integer). */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(14)))));
  if (exponent < -4 || exponent >= 14) {
    const [mantissa = '', power = ''] = value.toExponential(13).split('e');
    const digits = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
    return `${digits}e${power.startsWith('-') ? '-' : '+'}${power.replace(/^[+-]/, '').padStart(2, '0')}`;
  }
  const text = Number(value.toPrecision(14)).toString();
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
