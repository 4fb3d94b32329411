/**
 * Reads single values out of a JSON document without building it: one linear pass over the bytes, no recursion, no
 * validation of what is skipped. Only used on verified bodies, and only for names and ids.
 */

export type Scalar = string | number | boolean | null;

const maxStringBytes = 1024;
const quote = 0x22;
const backslash = 0x5c;

interface Cursor {
  readonly bytes: Buffer;
  position: number;
}

/** Splits a JSON pointer (RFC 6901); undefined: not a pointer. */
export function parsePointer(text: string): readonly string[] | undefined {
  if (text === '' || !text.startsWith('/') || text.length > 256) return undefined;
  const segments = text.slice(1).split('/');
  if (segments.length > 16 || segments.some((segment) => /~(?![01])/.test(segment))) return undefined;
  return segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The text, number, boolean or null at the pointer; undefined: not there, or an object, array or very long text. */
export function readJsonPointer(
  body: Uint8Array,
  segments: readonly string[],
  maxBytes = maxStringBytes,
): Scalar | undefined {
  const cursor = cursorAt(body, segments);
  return cursor === undefined ? undefined : readScalar(cursor, maxBytes);
}

function bufferOf(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/** A cursor before the value at the pointer; undefined: there is none. */
function cursorAt(body: Uint8Array, segments: readonly string[]): Cursor | undefined {
  const bytes = bufferOf(body);
  // A key that occurs nowhere needs no walk: searching bytes is many times faster than scanning tokens.
  for (const segment of segments) {
    if (!isIndex(segment) && !bytes.includes(JSON.stringify(segment))) return undefined;
  }
  const cursor: Cursor = { bytes, position: 0 };
  return segments.every((segment) => enter(cursor, segment)) ? cursor : undefined;
}

/**
 * The bytes of each member of a JSON object; undefined: no object, not well formed, or a name twice: then readers differ in
 * which one they take, so what was signed is not what is read.
 */
export function readJsonMembers(body: Uint8Array, max: number): ReadonlyMap<string, Buffer> | undefined {
  const cursor: Cursor = { bytes: bufferOf(body), position: 0 };
  if (skipSpace(cursor) !== 0x7b) return undefined;
  cursor.position += 1;
  const members = new Map<string, Buffer>();
  for (;;) {
    if (skipSpace(cursor) !== quote || members.size === max) return undefined;
    const name = readScalar(cursor, maxStringBytes);
    if (typeof name !== 'string' || members.has(name) || skipSpace(cursor) !== 0x3a) return undefined;
    cursor.position += 1;
    if (skipSpace(cursor) === -1) return undefined;
    const start = cursor.position;
    if (!skipValue(cursor)) return undefined;
    members.set(name, cursor.bytes.subarray(start, cursor.position));
    const next = skipSpace(cursor);
    cursor.position += 1;
    if (next === 0x7d) return skipSpace(cursor) === -1 ? members : undefined;
    if (next !== 0x2c) return undefined;
  }
}

/** Whether there is a value at the pointer, of any kind. */
export function hasJsonValue(body: Uint8Array, segments: readonly string[]): boolean {
  return cursorAt(body, segments) !== undefined;
}

/** The bytes of each element of the array at the pointer; undefined: no array there, not well formed, or over `max`. */
export function readJsonElements(
  body: Uint8Array,
  segments: readonly string[],
  max: number,
): readonly Buffer[] | undefined {
  const cursor = cursorAt(body, segments);
  if (cursor === undefined || skipSpace(cursor) !== 0x5b) return undefined;
  cursor.position += 1;
  const elements: Buffer[] = [];
  if (skipSpace(cursor) === 0x5d) return elements;
  for (;;) {
    if (skipSpace(cursor) === -1 || elements.length === max) return undefined;
    const start = cursor.position;
    if (!skipValue(cursor)) return undefined;
    elements.push(cursor.bytes.subarray(start, cursor.position));
    const next = skipSpace(cursor);
    if (next === 0x5d) return elements;
    if (next !== 0x2c) return undefined;
    cursor.position += 1;
  }
}

/** Like `readJsonPointer`, as text: numbers and booleans as JSON writes them; null and empty text are undefined. */
export function readJsonText(body: Uint8Array, segments: readonly string[]): string | undefined {
  const value = readJsonPointer(body, segments);
  if (value === undefined || value === null || value === '') return undefined;
  return String(value);
}

const isIndex = (segment: string): boolean => /^(?:0|[1-9]\d{0,5})$/.test(segment);

function skipSpace(cursor: Cursor): number {
  const { bytes } = cursor;
  for (; cursor.position < bytes.length; cursor.position += 1) {
    const byte = bytes[cursor.position];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte ?? -1;
  }
  return -1;
}

/** From an opening quote to behind the closing one; -1: the text does not end. */
function endOfString(bytes: Buffer, start: number): number {
  // Short texts are walked, long ones searched: a search costs more to start and less for each byte.
  const near = Math.min(bytes.length, start + 64);
  let position = start + 1;
  while (position < near) {
    const byte = bytes[position];
    if (byte === quote) return position + 1;
    position += byte === backslash ? 2 : 1;
  }
  for (;;) {
    const end = bytes.indexOf(quote, position);
    if (end === -1) return -1;
    let escapes = 0;
    while (end - 1 - escapes >= position && bytes[end - 1 - escapes] === backslash) escapes += 1;
    if (escapes % 2 === 0) return end + 1;
    position = end + 1;
  }
}

/** Over one value of any kind. */
function skipValue(cursor: Cursor): boolean {
  const { bytes } = cursor;
  let { position } = cursor;
  let depth = 0;
  while (position < bytes.length) {
    const byte = bytes[position] ?? 0;
    if (byte === quote) {
      position = endOfString(bytes, position);
      if (position === -1) return false;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      position += 1;
      continue;
    } else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return false;
      depth -= 1;
      position += 1;
    } else if (byte === 0x2c || byte === 0x3a || byte <= 0x20) {
      if (depth === 0 && byte > 0x20) return false;
      position += 1;
      continue;
    } else {
      position = endOfWord(bytes, position);
    }
    if (depth === 0) {
      cursor.position = position;
      return true;
    }
  }
  return false;
}

/** From the start of a number, `true`, `false` or `null` to the next structural byte or blank. */
function endOfWord(bytes: Buffer, start: number): number {
  let position = start + 1;
  for (; position < bytes.length; position += 1) {
    const byte = bytes[position] ?? 0;
    if (byte <= 0x20 || byte === 0x2c || byte === 0x3a || byte === 0x5d || byte === 0x7d || byte === quote) break;
  }
  return position;
}

/** Into the member or element; the cursor then stands before its value. */
function enter(cursor: Cursor, segment: string): boolean {
  const byte = skipSpace(cursor);
  if (byte === 0x7b) return enterMember(cursor, segment);
  return byte === 0x5b && isIndex(segment) && enterElement(cursor, Number(segment));
}

function enterMember(cursor: Cursor, name: string): boolean {
  const { bytes } = cursor;
  const wanted = Buffer.from(JSON.stringify(name));
  cursor.position += 1;
  for (;;) {
    if (skipSpace(cursor) !== quote) return false;
    const start = cursor.position;
    cursor.position = endOfString(bytes, start);
    if (cursor.position === -1) return false;
    const found =
      cursor.position - start === wanted.length &&
      bytes.compare(wanted, 0, wanted.length, start, cursor.position) === 0;
    if (skipSpace(cursor) !== 0x3a) return false;
    cursor.position += 1;
    if (found) return true;
    if (!skipValue(cursor) || skipSpace(cursor) !== 0x2c) return false;
    cursor.position += 1;
  }
}

function enterElement(cursor: Cursor, index: number): boolean {
  cursor.position += 1;
  for (let passed = 0; passed < index; passed += 1) {
    if (!skipValue(cursor) || skipSpace(cursor) !== 0x2c) return false;
    cursor.position += 1;
  }
  const byte = skipSpace(cursor);
  return byte !== -1 && byte !== 0x5d;
}

function readScalar(cursor: Cursor, maxBytes: number): Scalar | undefined {
  const byte = skipSpace(cursor);
  if (byte === -1 || byte === 0x7b || byte === 0x5b) return undefined;
  const start = cursor.position;
  cursor.position = byte === quote ? endOfString(cursor.bytes, start) : endOfWord(cursor.bytes, start);
  if (cursor.position === -1) return undefined;
  if (cursor.position - start > maxBytes) return undefined;
  try {
    const value: unknown = JSON.parse(cursor.bytes.toString('utf8', start, cursor.position));
    return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : undefined;
  } catch {
    // Not JSON: there is no value to read, and decoding the body will say so to the caller.
    return undefined;
  }
}
