/** The log of one call, within its caps. */
import type { LogLevel, LogLine, LuaKey, LuaValue } from './types.ts';

const noLines: readonly LogLine[] = [];

/** Counts bytes and lines; what is over the cap is dropped behind one marker. */
export class CallLog {
  truncated = false;
  #lines: LogLine[] | undefined;
  #bytes = 0;
  readonly #maxBytes: number;
  readonly #maxLines: number;

  constructor(maxBytes: number, maxLines: number) {
    this.#maxBytes = maxBytes;
    this.#maxLines = maxLines;
  }

  get lines(): readonly LogLine[] {
    return this.#lines ?? noLines;
  }

  append(level: LogLevel, at: number, message: string, fields?: ReadonlyMap<LuaKey, LuaValue>): void {
    if (this.truncated) return;
    const lines = (this.#lines ??= []);
    const size = bytesOf(message, fields);
    if (lines.length >= this.#maxLines || this.#bytes + size > this.#maxBytes) {
      this.truncated = true;
      lines.push({ level: 'warn', at, message: '[log truncated]' });
      return;
    }
    this.#bytes += size;
    lines.push(fields === undefined ? { level, at, message } : { level, at, message, fields });
  }
}

/** Bytes of lines as they are counted against a log's cap. */
export function logBytes(lines: readonly LogLine[]): number {
  return lines.reduce((sum, { message, fields }) => sum + bytesOf(message, fields), 0);
}

function bytesOf(message: string, fields: LogLine['fields']): number {
  return Buffer.byteLength(message) + 16 + (fields === undefined ? 0 : valueBytes(fields));
}

/** Of a value that Lua has given, about. */
export function valueBytes(value: LuaValue | ReadonlyMap<LuaKey, LuaValue>): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 8;
  if (value instanceof Uint8Array) return value.length + 8;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + valueBytes(item), 8);
  if (value instanceof Map) {
    let sum = 8;
    for (const [key, item] of value) sum += String(key).length + valueBytes(item);
    return sum;
  }
  return 8;
}
